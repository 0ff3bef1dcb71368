public import Martlet

/// What the transactions of a recorded history do.
///
/// - Invariant HW1: a thread's transactions follow from the seed and the number of the thread; the
///   values it writes are its own, so that none is written twice (invariant HI1).
public struct HistoryWorkload: Sendable {
  /// The kinds of transactions.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Appends to lists and reads of lists: the sharpest.
    case listAppend = "list-append"
    /// Writes of registers, mostly behind a read of the same, and reads.
    case register
    /// Transfers between accounts, and reads of all of them.
    case bank
    /// Writes of single keys, once each, and reads of groups.
    case longFork = "long-fork"
  }

  /// A level, and a protocol to run it under.
  public struct Choice: Sendable, Hashable {
    /// The level.
    public var level: IsolationLevel
    /// The protocol; nil for the level's own.
    public var using: TransactionProtocol?

    /// A level under its own protocol, or another.
    public init(_ level: IsolationLevel, using: TransactionProtocol? = nil) {
      self.level = level
      self.using = using
    }

    /// Every level, and the serializable ones under every protocol.
    public static let all: [Choice] = IsolationLevel.allCases.flatMap { level in
      level < .serializable
        ? [Choice(level)] : TransactionProtocol.allCases.map { Choice(level, using: $0) }
    }

    /// The serializable level under every protocol.
    public static let serializable: [Choice] = TransactionProtocol.allCases.map {
      Choice(.serializable, using: $0)
    }
  }

  /// The kind of transactions.
  public var kind: Kind
  /// The seed of everything that is drawn.
  public var seed: UInt64
  /// Keys in use at a time; accounts of a bank.
  public var keyCount: Int
  /// How keys are chosen.
  public var distribution: KeyDistribution
  /// Operations of a transaction at most.
  public var operationLimit: Int
  /// The part of the operations that are scans, from 0 to 1.
  public var scanFraction: Double
  /// Appends to a list, or writes to a register, after which a fresh key takes its place: lists
  /// stay short and a history grows no faster than its transactions.
  public var writesPerKey: Int
  /// What transactions run at: each draws one.
  public var choices: [Choice]

  /// The balance of each account at the beginning.
  public static let openingBalance = 100

  /// A workload; keys, operations and writes for each key are one at least.
  public init(
    _ kind: Kind, seed: UInt64 = 1, keyCount: Int = 10, distribution: KeyDistribution = .uniform,
    operationLimit: Int = 4, scanFraction: Double = 0.1, writesPerKey: Int = 24,
    choices: [Choice] = [Choice(.snapshot)]
  ) {
    self.kind = kind
    self.seed = seed
    self.keyCount = max(1, keyCount)
    self.distribution = distribution
    self.operationLimit = max(1, operationLimit)
    self.scanFraction = min(max(scanFraction, 0), 1)
    self.writesPerKey = max(1, writesPerKey)
    self.choices = choices.isEmpty ? [Choice(.snapshot)] : choices
  }
}
