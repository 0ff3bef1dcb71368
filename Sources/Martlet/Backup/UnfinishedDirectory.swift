internal import Environment
internal import RawBytes

/// A directory that is being made a database by a backup or a restore.
///
/// A file `incomplete` stands in it from before its first other file until after its last is
/// durable. While it stands there the directory does not open, so that what a crash leaves is told
/// from a database; the next backup or restore to the same place clears it away.
///
/// - Invariant UD1: the marker is durable before anything else has a name in the directory, and is
///   taken away only when all else is durable.
/// - Invariant UD2: nothing is removed from a directory that had a file of somebody else's, or a complete
///   copy, when its lock was taken.
final class UnfinishedDirectory {
  let path: String
  private let effects: Effects
  /// Whether the directory itself was made here.
  private let isMade: Bool
  private var lock: (any FileLock)?

  static let marker = "incomplete"
  private static let text =
    "A Martlet backup or restore into this directory has not been completed.\n"
    + "The directory is of no use: remove it, and begin again.\n"

  /// Makes the directory, or takes an empty one, or one that an earlier attempt left.
  ///
  /// - Throws: `directoryNotEmpty`, `alreadyOpen`, `inputOutput`, `diskFull`; nothing is changed.
  init(_ path: String, _ effects: Effects) throws(DatabaseError) {
    self.path = path
    self.effects = effects
    do {
      switch try effects.files.kind(of: path) {
      case .directory: isMade = false
      case .absent:
        try effects.files.createDirectory(path)
        isMade = true
      case .file, .other:
        throw DatabaseError(.directoryNotEmpty, "\(path) is there already, and no directory")
      }
      try begin()
    } catch let error as FileError {
      throw DatabaseError(error)
    } catch let error as DatabaseError {
      throw error
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
  }

  private func begin() throws {
    // Before the lock, whose file is not to be left among those of somebody else.
    _ = try requireOwn()
    lock = try effects.files.lock(FilePath.join(path, DatabaseFile.lock))
    guard lock != nil else {
      throw DatabaseError(.alreadyOpen, "\(path) is in use by another backup or restore")
    }
    // And behind it: what was incomplete may have been completed meanwhile.
    let isLeft: Bool
    do { isLeft = try requireOwn() } catch {
      passLock()
      throw error
    }
    do {
      if isLeft { try clear() }
      try writeMarker()
      try effects.files.syncDirectory(path)
      try effects.files.syncDirectory(Engine.parent(of: path))
    } catch {
      abandon()
      throw error
    }
  }

  /// Makes sure that the directory is empty or holds an incomplete copy; tells which.
  private func requireOwn() throws -> Bool {
    let names = try effects.files.list(path)
    let strangers = names.filter { $0 != DatabaseFile.lock }
    guard names.contains(Self.marker) || strangers.isEmpty else {
      throw DatabaseError(
        .directoryNotEmpty,
        "\(path) holds \(strangers[0]): a copy is only made in a new or an empty directory")
    }
    return !strangers.isEmpty
  }

  private func writeMarker() throws {
    let marker = FilePath.join(path, Self.marker)
    let file = try effects.files.open(marker, FileMode(creation: .ifAbsent))
    try Array(Self.text.utf8).withByteView { (bytes) throws(FileError) in
      try file.write(bytes, at: 0)
    }
    try file.sync(.full)
  }

  /// Removes what the engine makes; the marker stays.
  private func clear() throws {
    for name in try effects.files.list(path) where Engine.isOwnName(name) {
      if name != DatabaseFile.lock { try effects.files.remove(FilePath.join(path, name)) }
    }
  }

  /// Lets others lock the directory: the database that is filled in it.
  func passLock() {
    lock?.unlock()
    lock = nil
  }

  /// The directory is a database from now on. Everything else in it is durable.
  func complete() throws(DatabaseError) {
    do {
      try effects.files.remove(FilePath.join(path, Self.marker))
      try effects.files.syncDirectory(path)
    } catch {
      throw DatabaseError(error)
    }
    passLock()
  }

  /// Takes away what was made, as far as that is possible; what is left is marked.
  func abandon() {
    do {
      try clear()
      // A crash must not take the marker away and leave the rest.
      try effects.files.syncDirectory(path)
      if isMade {
        try? effects.files.remove(FilePath.join(path, DatabaseFile.lock))
      }
      try effects.files.remove(FilePath.join(path, Self.marker))
      if isMade { try effects.files.remove(path) }
    } catch {
      effects.events.report(
        Event(.warning, "what an unfinished copy left at \(path) could not be removed: \(error)"))
    }
    passLock()
  }
}
