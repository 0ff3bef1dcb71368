public import Primitives
internal import BTreeIndex
internal import RedoLog
internal import VersionStore

/// What a verification found.
public struct VerificationReport: Sendable {
  /// Every place where bytes are not what they should be, each with what it affects.
  public var findings: [CorruptionError] = []
  /// Why the database does not open; nil when it does. Whatever the findings do not explain of it
  /// is in its message.
  public var openingError: DatabaseError?
  /// Pages visited.
  public var pageCount = 0
  /// Entries visited, tombstones included.
  public var entryCount = 0
  /// Entries of indexes of collections that were held against their records.
  public var indexEntryCount = 0
  /// Levels of the highest tree.
  public var height = 0
  /// Log batches read.
  public var batchCount = 0

  /// Whether nothing is wrong.
  public var isClean: Bool { findings.isEmpty && openingError == nil }
}

/// How far a verification has come.
public struct VerificationProgress: Sendable {
  /// Pages done.
  public let done: Int
  /// Pages in all.
  public let total: Int
}

extension Database {
  /// Reads everything and checks it: every page image against its checksum, keys against fences,
  /// each mapped page reachable exactly once, no overlapping places, timestamps, large values, and
  /// every batch of the log; then each index against the records of its collection, in full for
  /// collections that are open.
  ///
  /// Other transactions wait while trees are walked.
  /// - Throws: only when reading itself fails; damage is in the report.
  /// - Complexity: O(size of the database).
  public func verify(progress: (VerificationProgress) -> Void = { _ in }) throws
    -> VerificationReport
  {
    try engine.enter()
    defer { engine.leave() }
    var report = VerificationReport()
    do {
      let census = try engine.store.verify(
        newest: { engine.pipeline.lastTimestamp },
        progress: { done, total in progress(VerificationProgress(done: done, total: total)) },
        report: { report.findings.append($0.placed(in: DatabaseFile.data)) })
      report.pageCount = census.leafCount + census.innerCount + census.overflowPageCount
      report.entryCount = census.entryCount
      report.height = census.height
      report.batchCount = Int(
        try engine.log.verify(report: { report.findings.append($0) }))
    } catch let error as StoreError {
      throw DatabaseError(error)
    } catch let error as LogError {
      throw DatabaseError(error)
    }
    var findings: [CorruptionError] = []
    let isLegible = report.findings.isEmpty
    do {
      report.indexEntryCount = try CollectionVerification(engine: engine).run {
        findings.append($0)
      }
    } catch let error as DatabaseError where error.code == .corrupt {
      // What cannot be read was told of above; a schema that makes no sense was not.
      if isLegible {
        findings.append(
          CorruptionError(
            location: "collections", expected: "what the engine wrote", found: error.message))
      }
    }
    report.findings += findings
    return report
  }
}
