/// How much work a trial does.
struct Scale: Codable, Sendable {
  let records: Int

  /// Timed reads of each thread.
  var readsPerThread: Int { records }
  /// Untimed reads of each thread before them, after one untimed scan of everything.
  var warmUpReadsPerThread: Int { max(records / 10, 1_000) }
  var scanPasses: Int { 10 }

  /// Single-put transactions of all threads together. Each replaces a different key, so that the
  /// outcome does not depend on the order of threads.
  var relaxedPuts: Int { max(records * 2 / 5, 1) }

  /// Uncontended transactions of one key of all threads together.
  var changes: Int { relaxedPuts }

  /// Contended transactions of all threads together.
  var transfers: Int { max(records / 5, 8) }

  /// The records between which transfers go.
  static let contendedRecords = 100

  /// Fewer, since each waits for the device.
  func fullPuts(threads: Int) -> Int {
    min(threads == 1 ? 5_000 : 20_000, max(records / 10, 1))
  }

  static let standardRecords = 1_000_000
  static let quickRecords = 50_000
  static let batchRecords = 10_000
}
