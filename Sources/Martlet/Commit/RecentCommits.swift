internal import Primitives

/// Who made the newest commits, so that a conflict can name its other side.
///
/// - Invariant RK1: timestamps rise with the order of appending.
struct RecentCommits {
  private static var capacity: Int { 4096 }

  private var ring = [(timestamp: Timestamp, transaction: TransactionID)](
    repeating: (.zero, TransactionID(0)), count: capacity)
  private var count = 0

  mutating func append(_ timestamp: Timestamp, _ transaction: TransactionID) {
    ring[count & (Self.capacity - 1)] = (timestamp, transaction)
    count &+= 1
  }

  /// The transaction that committed at a moment; nil when that is too long ago.
  ///
  /// - Complexity: logarithmic.
  func transaction(at timestamp: Timestamp) -> TransactionID? {
    var low = max(0, count - Self.capacity)
    var high = count
    while low < high {
      let middle = (low + high) / 2
      let entry = ring[middle & (Self.capacity - 1)]
      if entry.timestamp == timestamp { return entry.transaction }
      if entry.timestamp < timestamp { low = middle + 1 } else { high = middle }
    }
    return nil
  }
}
