package import Primitives

/// Elements by slot, over a stretch of slots that moves upwards: found by arithmetic, appended and
/// dropped in constant time, with room for gaps.
///
/// - Invariant SR1: every slot outside `first..<end` holds nothing in `storage`.
/// - Invariant SR2: `end - first <= storage.count`, a power of two, so no two slots share a place.
package struct SlotRing<Element: Hashable & Sendable>: Sendable {
  private var storage: [Element?]
  /// The first slot of the stretch.
  package private(set) var first: Slot
  /// One behind the last slot of the stretch.
  package private(set) var end: Slot

  package init(first: Slot) {
    storage = Array(repeating: nil, count: 16)
    self.first = first
    end = first
  }

  private func place(of slot: Slot) -> Int {
    Int(truncatingIfNeeded: slot.rawValue) & (storage.count - 1)
  }

  package subscript(slot: Slot) -> Element? {
    slot >= first && slot < end ? storage[place(of: slot)] : nil
  }

  /// Puts an element into a slot, and hands back what was there. Slots between the former end and
  /// this one stay empty.
  @discardableResult
  package mutating func set(_ slot: Slot, to element: Element) -> Element? {
    precondition(slot >= first, "a slot before the stretch that the ring covers")
    if slot >= end {
      let span = slot.distance(from: first) + 1
      if span > storage.count { grow(to: span) }
      end = slot.next
    }
    let place = place(of: slot)
    let former = storage[place]
    storage[place] = element
    return former
  }

  /// Empties a slot, and hands back what was there.
  package mutating func take(_ slot: Slot) -> Element? {
    guard let element = self[slot] else { return nil }
    storage[place(of: slot)] = nil
    return element
  }

  /// Drops the first slot of the stretch, which is not empty.
  @discardableResult
  package mutating func removeFirst() -> Element? {
    precondition(first < end, "nothing left to drop")
    let place = place(of: first)
    let element = storage[place]
    storage[place] = nil
    first = first.next
    return element
  }

  /// Lets the stretch, which has become empty, begin elsewhere.
  package mutating func restart(at slot: Slot) {
    precondition(first == end, "a stretch that holds something cannot move")
    first = slot
    end = slot
  }

  private mutating func grow(to span: Int) {
    var count = storage.count
    while count < span { count *= 2 }
    var larger: [Element?] = Array(repeating: nil, count: count)
    var slot = first
    while slot < end {
      larger[Int(truncatingIfNeeded: slot.rawValue) & (count - 1)] = storage[place(of: slot)]
      slot = slot.next
    }
    storage = larger
  }
}

extension SlotRing: Hashable {
  /// By what is in the slots: how much room there is does not count.
  package static func == (left: SlotRing, right: SlotRing) -> Bool {
    guard left.first == right.first, left.end == right.end else { return false }
    var slot = left.first
    while slot < left.end {
      if left[slot] != right[slot] { return false }
      slot = slot.next
    }
    return true
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(first)
    hasher.combine(end)
    var slot = first
    while slot < end {
      hasher.combine(self[slot])
      slot = slot.next
    }
  }
}
