/// Each key is written once, and transactions read a group of keys at once: of any two reads of a
/// group one has seen everything that the other has, or they saw two writes in opposite orders.
///
/// Among reads sorted by how much they saw it suffices to compare neighbours.
enum LongForkInvariant {
  /// The function of its transactions.
  static let function = "long-fork"

  /// Compares the committed reads of each group.
  static func run(_ transactions: [(number: Int, HistoryTransaction)], _ log: FindingLog) {
    struct View {
      let present: [Bool]
      let transaction: Int
    }
    var groups: [[Int]: [[Bool]: Int]] = [:]
    for (number, transaction) in transactions where transaction.outcome == .ok {
      var seen: [Int: Bool] = [:]
      for case .read(let key, let value?) in transaction.operations {
        seen[key] = value != .absent
      }
      guard seen.count > 1 else { continue }
      let keys = seen.keys.sorted()
      groups[keys, default: [:]][keys.map { seen[$0] ?? false }, default: number] = number
    }
    for (keys, found) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let views = found.map { View(present: $0.key, transaction: $0.value) }
        .sorted { $0.present.count { $0 } < $1.present.count { $0 } }
      for (one, other) in zip(views, views.dropFirst()) {
        guard let lost = keys.indices.first(where: { one.present[$0] && !other.present[$0] }),
          let gained = keys.indices.first(where: { !one.present[$0] && other.present[$0] })
        else { continue }
        log.add(
          .longFork, wronged: [one.transaction, other.transaction], key: keys[lost],
          "T\(one.transaction) saw the write of key \(keys[lost]) and not that of key "
            + "\(keys[gained]); T\(other.transaction) saw it the other way round")
      }
    }
  }
}
