/// Keys in order, without duplicates.
struct SortedKeys {
  private var keys: [[UInt8]] = []

  mutating func insert(_ key: [UInt8]) {
    let place = place(of: key)
    if place == keys.count || keys[place] != key { keys.insert(key, at: place) }
  }

  mutating func remove(_ key: [UInt8]) {
    let place = place(of: key)
    if place < keys.count, keys[place] == key { keys.remove(at: place) }
  }

  /// All of them, from a place outwards: one from above it, one from below it, in turns.
  func keysAround(_ key: [UInt8]) -> some Sequence<[UInt8]> {
    var above = place(of: key)
    var below = above - 1
    var takesAbove = false
    return AnyIterator {
      takesAbove = below < 0 || above < keys.count && !takesAbove
      if takesAbove {
        guard above < keys.count else { return nil }
        defer { above += 1 }
        return keys[above]
      }
      defer { below -= 1 }
      return keys[below]
    }
  }

  /// The first place with that key or a later one.
  private func place(of key: [UInt8]) -> Int {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if precedes(keys[middle], key) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
