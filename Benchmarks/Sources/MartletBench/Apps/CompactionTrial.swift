import Martlet

/// Nine in ten records are deleted, in scattered places, and then the file is made as small as it can
/// be.
struct CompactionTrial: AppTrial {
  let setting: AppSetting

  func run() throws -> [AppMeasurement] {
    let database = try setting.open()
    let keyspace = try database.keyspace("records")
    try setting.load(database, keyspace)
    let full = database.statistics.fileBytes
    let dataset = setting.dataset
    let doomed = dataset.shuffledOrder.filter { !$0.isMultiple(of: 10) }
    for first in stride(from: 0, to: doomed.count, by: Scale.batchRecords) {
      let batch = doomed[first..<min(first + Scale.batchRecords, doomed.count)]
      let keys = dataset.keys(of: batch)
      try database.write { transaction in
        for offset in stride(from: 0, to: keys.count, by: RecordShape.keyByteCount) {
          try transaction.remove(
            Array(keys[offset..<offset + RecordShape.keyByteCount]), in: keyspace)
        }
      }
    }
    try database.checkpoint()
    let summary = try database.compact()
    let left = try database.read { snapshot in
      var count = 0
      try snapshot.forEach(in: keyspace) { _, _ in
        count += 1
        return .continue
      }
      return count
    }
    try AppSetting.require(
      left == setting.records - doomed.count, "\(left) records are left after the compaction")
    try database.close()
    let (seconds, attoseconds) = summary.elapsed.components
    return [
      AppMeasurement("file with all records", "bytes", Double(full)),
      AppMeasurement("file before the compaction", "bytes", Double(summary.bytesBefore)),
      AppMeasurement("file after it", "bytes", Double(summary.bytesAfter)),
      AppMeasurement("moved by it", "bytes", Double(summary.movedByteCount)),
      AppMeasurement("time", "s", Double(seconds) + Double(attoseconds) / 1e18),
    ]
  }
}
