/// How much memory a configuration takes unless it says otherwise.
///
/// A phone ends the app that takes most when memory runs short, and an app in the background first. So
/// the defaults there are an eighth of those of a computer, and recovery reads less log.
public struct MemoryBudget: Sendable, Hashable {
  /// See ``Configuration/cacheSize``.
  public let cacheSize: Int
  /// See ``Configuration/versionBudget``.
  public let versionBudget: Int
  /// See ``Configuration/transactionSizeLimit``.
  public let transactionSizeLimit: Int
  /// See ``Configuration/checkpointLogBytes``.
  public let checkpointLogBytes: Int
  /// See ``Configuration/lockBudget``.
  public let lockBudget: Int
  /// See ``Configuration/conflictBudget``.
  public let conflictBudget: Int

  /// 256 MiB of pages: macOS, Linux.
  public static let computer = MemoryBudget(
    cacheSize: 256 << 20, versionBudget: 64 << 20, transactionSizeLimit: 64 << 20,
    checkpointLogBytes: 256 << 20, lockBudget: 64 << 20, conflictBudget: 64 << 20)

  /// 32 MiB of pages: iOS, watchOS, tvOS, visionOS.
  public static let phone = MemoryBudget(
    cacheSize: 32 << 20, versionBudget: 8 << 20, transactionSizeLimit: 8 << 20,
    checkpointLogBytes: 32 << 20, lockBudget: 8 << 20, conflictBudget: 8 << 20)

  #if os(iOS) || os(watchOS) || os(tvOS) || os(visionOS)
    /// That of the platform the program was built for.
    public static let ofThisPlatform = phone
  #else
    /// That of the platform the program was built for.
    public static let ofThisPlatform = computer
  #endif
}

/// How Apple's data protection guards the files of a database.
public enum FileProtection: String, Sendable, Hashable, CaseIterable {
  /// Readable while the device is unlocked. A locked device stops the database: calls throw
  /// `dataProtected`, and a log that cannot be written poisons it. Suspend it in time.
  case complete
  /// Files that are open stay usable when the device is locked; opening is not possible then. Not for
  /// a database that makes log segments while the device is locked, for it has to open them later.
  case completeUnlessOpen
  /// Usable from the first unlocking after a start: what suits apps that work in the background, and
  /// the system's default.
  case completeUntilFirstUserAuthentication
  /// Always usable.
  case none
}
