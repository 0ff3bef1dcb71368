/// How much work a trial does.
struct Scale: Codable, Sendable {
  let records: Int

  /// Timed reads of each thread.
  var readsPerThread: Int { records }
  /// Untimed reads of each thread before them, after one untimed scan of everything.
  var warmUpReadsPerThread: Int { max(records / 10, 1_000) }
  var scanPasses: Int { 10 }
  /// Scans of a hundred records.
  var rangeScans: Int { max(records / 10, 1) }

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

  /// Requests of a mixture of all threads together; scans count as one.
  func mixedRequests(_ mixture: MixedRequests.Mixture) -> Int {
    max(mixture == .e ? records / 10 : records * 2 / 5, 2)
  }

  /// Records of the larger of the two sizes at which point reads are measured.
  var manyRecords: Int { records * 10 }

  // Data larger than memory.

  /// How many times the memory budget the bytes of the records are.
  static let overcommitment = 8
  /// No engine is asked to do with less.
  private static let leastColdBudget = 2 << 20
  var coldBudget: Int {
    max(2 * records * RecordShape.byteCount / Self.overcommitment, Self.leastColdBudget)
  }
  var coldRecords: Int { Self.overcommitment * coldBudget / RecordShape.byteCount }
  /// Reads of all threads together that fill the memory before the clock starts: as many as it has
  /// blocks.
  var coldWarmUpReads: Int { coldBudget >> 12 }
  /// Timed reads of all threads together.
  func coldReads(threads: Int) -> Int { min(threads * 10_000, max(records / 10, threads)) }

  /// Commits before the process that made them is killed.
  var commitsBeforeKill: Int { records * 2 }

  /// The memory an engine may spend on its cache: all records fit several times.
  var cacheByteCount: Int {
    let millions = (records + 999_999) / 1_000_000
    return records <= 100_000 ? 64 << 20 : millions * 512 << 20
  }

  static let standardRecords = 1_000_000
  static let quickRecords = 10_000
  static let batchRecords = 10_000
}
