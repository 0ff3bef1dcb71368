import Primitives

/// What every key was at every moment, in its plainest form.
struct HistoryModel {
  /// Per keyspace and key, what it became when; ascending.
  private var histories: [KeyspaceID: [[UInt8]: [(at: Timestamp, value: [UInt8]?)]]] = [:]

  mutating func apply(_ changes: [Change], at timestamp: Timestamp) {
    for change in changes {
      histories[change.keyspace, default: [:]][change.key, default: []]
        .append((timestamp, change.value))
    }
  }

  func value(_ key: [UInt8], in keyspace: KeyspaceID, at moment: Timestamp) -> [UInt8]? {
    histories[keyspace]?[key]?.last { $0.at <= moment }?.value
  }

  /// Everything in a keyspace at a moment, ascending.
  func contents(
    _ keyspace: KeyspaceID, at moment: Timestamp
  ) -> [(key: [UInt8], value: [UInt8])] {
    (histories[keyspace] ?? [:]).keys.compactMap { key in
      value(key, in: keyspace, at: moment).map { (key, $0) }
    }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
  }
}
