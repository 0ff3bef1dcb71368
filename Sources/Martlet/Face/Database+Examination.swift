package import Environment
internal import Paging
internal import Primitives
internal import RedoLog
internal import SystemEnvironment

extension Database {
  /// Verifies the database in a directory, whether it opens or not.
  ///
  /// One that opens is opened, verified and closed. One that is too damaged to be opened is read as
  /// it lies and not changed: the copies of the superblock, the page map, the root table, each page
  /// image against its checksum, the headers of log segments and the chain of log batches. The
  /// report then says in `openingError` why it does not open.
  /// - Throws: what opening throws, but for `corrupt`; and when reading itself fails.
  /// - Complexity: O(size of the database).
  public static func verify(
    at directory: String, configuration: Configuration = Configuration(createIfMissing: false),
    progress: (VerificationProgress) -> Void = { _ in }
  ) throws -> VerificationReport {
    try verify(
      at: directory, configuration: configuration,
      effects: Effects.system(events: EventClosure(configuration.events)), progress: progress)
  }

  /// The same through seams of the caller's choice.
  package static func verify(
    at directory: String, configuration: Configuration, effects: Effects,
    progress: (VerificationProgress) -> Void = { _ in }
  ) throws -> VerificationReport {
    let database: Database
    do {
      database = try Database(at: directory, configuration: configuration, effects: effects)
    } catch let error as DatabaseError where error.code == .corrupt {
      return try examine(directory, effects, error)
    }
    let report: VerificationReport
    do { report = try database.verify(progress: progress) } catch {
      try? database.close()
      throw error
    }
    try database.close()
    return report
  }

  private static func examine(
    _ directory: String, _ effects: Effects, _ error: DatabaseError
  ) throws -> VerificationReport {
    var report = VerificationReport()
    report.openingError = error
    guard Engine.isDatabase(directory, effects) else {
      report.findings.append(
        CorruptionError(
          location: DatabaseFile.data, expected: "the data file", found: "none",
          affects: "the whole database"))
      return report
    }
    do {
      let examination = try Pager.examine(
        path: directory + "/" + DatabaseFile.data, effects: effects,
        report: { report.findings.append($0.placed(in: DatabaseFile.data)) })
      report.pageCount = examination.pageCount
      guard let superblock = examination.superblock else { return report }
      guard let owner = try? OwnerState(decoding: superblock.ownerState) else {
        report.findings.append(
          CorruptionError(
            location: "\(DatabaseFile.data), owner state in the superblock",
            expected: "where the log stands", found: "other bytes", affects: "the whole log"))
        return report
      }
      report.batchCount = try RedoLog.examine(
        directory: directory, id: superblock.id, from: owner.replayFrom,
        coveredThrough: owner.applied, generation: superblock.generation, effects: effects,
        report: { report.findings.append($0) })
    } catch let error as PagingError {
      throw DatabaseError(error)
    } catch let error as LogError {
      throw DatabaseError(error)
    }
    return report
  }
}
