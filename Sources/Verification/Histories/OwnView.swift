/// What the transaction under way has written and read of each key: scratch space that is cleared in
/// no time, because every entry carries the number of the transaction it belongs to.
struct OwnView<Seen> {
  private struct Slot {
    var transaction = -1
    var written: [Int] = []
    var seen: Seen?
  }

  private var slots: [Slot]

  init(keyCount: Int) { slots = [Slot](repeating: Slot(), count: keyCount) }

  private mutating func open(_ key: Int, _ transaction: Int) {
    guard slots[key].transaction != transaction else { return }
    slots[key].transaction = transaction
    slots[key].written.removeAll(keepingCapacity: true)
    slots[key].seen = nil
  }

  /// Values that it wrote so far.
  mutating func written(_ key: Int, by transaction: Int) -> [Int] {
    open(key, transaction)
    return slots[key].written
  }

  /// What it saw last of the others' versions.
  mutating func seen(_ key: Int, by transaction: Int) -> Seen? {
    open(key, transaction)
    return slots[key].seen
  }

  mutating func write(_ value: Int, to key: Int, by transaction: Int) {
    open(key, transaction)
    slots[key].written.append(value)
  }

  mutating func see(_ seen: Seen, of key: Int, by transaction: Int) {
    open(key, transaction)
    slots[key].seen = seen
  }
}
