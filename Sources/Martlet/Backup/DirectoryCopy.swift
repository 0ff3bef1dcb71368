internal import Environment
internal import Paging
internal import Primitives
internal import RawBytes
internal import RedoLog

/// Makes a database in a new directory out of the images of a checkpoint.
///
/// The copy has an identity of its own: its log goes another way than the original's from here on,
/// and files of the one are refused by the other (rule F9).
///
/// ```text
///  marker ──► images ──► log ──► data file, by a rename ──► marker gone
/// ```
///
/// - Invariant DC1: until `finish` has returned the directory does not open (UD1).
final class DirectoryCopy {
  let id: DatabaseID
  private let directory: UnfinishedDirectory
  private let effects: Effects
  private let original: Superblock
  private let owner: OwnerState
  private let logConfiguration: LogConfiguration
  private var pages: CheckpointCopy?
  private var rootTable: [UInt8] = []

  /// - Parameter original: the superblock of what is copied.
  /// - Throws: `directoryNotEmpty`, `alreadyOpen`, `corrupt`, `inputOutput`, `diskFull`.
  init(
    _ path: String, of original: Superblock, log: LogConfiguration = LogConfiguration(),
    effects: Effects
  ) throws(DatabaseError) {
    logConfiguration = log
    self.effects = effects
    self.original = original
    id = DatabaseID(high: effects.entropy.next(), low: effects.entropy.next())
    do { owner = try OwnerState(decoding: original.ownerState) } catch {
      throw DatabaseError(damage: error)
    }
    directory = try UnfinishedDirectory(path, effects)
    do {
      pages = try CheckpointCopy(
        path: FilePath.join(path, DatabaseFile.data), of: original, effects: effects)
    } catch {
      directory.abandon()
      throw DatabaseError(error)
    }
  }

  func append(_ id: PageID, _ entry: PageMapEntry, _ image: ByteView) throws(DatabaseError) {
    do { try pages?.append(id, entry, image) } catch { throw DatabaseError(error) }
  }

  func append(rootTable bytes: some Sequence<UInt8>) { rootTable.append(contentsOf: bytes) }

  /// Makes the directory a database.
  ///
  /// - Throws: `inputOutput`, `diskFull`; call `abandon` then.
  func finish() throws(DatabaseError) {
    let clock = max(owner.clock, original.timestamp)
    do {
      let log = try RedoLog.create(
        directory: directory.path, id: id, effects: effects, configuration: logConfiguration)
      let state = OwnerState(
        applied: log.endPosition, replayFrom: log.endPosition,
        clock: max(clock, log.durableCeiling), nextTransaction: owner.nextTransaction)
      do {
        guard let pages = pages.take() else { preconditionFailure("a copy is finished twice") }
        _ = try pages.finish(original, id: id, ownerState: state.encoded, rootTable: rootTable)
        try log.close(clock: clock)
      } catch {
        try? log.close()
        throw error
      }
    } catch let error as LogError {
      throw DatabaseError(error)
    } catch let error as PagingError {
      throw DatabaseError(error)
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
    try directory.complete()
  }

  /// Takes away what was made so far.
  func abandon() {
    pages = nil
    directory.abandon()
  }
}
