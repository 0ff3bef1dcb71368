import ConcurrencyControl

/// The rules of the lock table in the plainest words: lists, and the full graph of waits.
struct LockModel {
  struct Holder { var who: UInt64; var mode: LockMode; var wanted: LockMode?; var order = 0 }
  struct Waiter { var who: UInt64; var mode: LockMode }
  struct Lock { var holders: [Holder] = []; var queue: [Waiter] = [] }

  var locks: [UInt64: Lock] = [:]
  var order = 0

  func isWaiting(_ who: UInt64) -> Bool {
    locks.values.contains { lock in
      lock.queue.contains { $0.who == who }
        || lock.holders.contains { $0.who == who && $0.wanted != nil }
    }
  }

  /// Granted at once, or queued.
  mutating func ask(_ who: UInt64, _ mode: LockMode, _ key: UInt64) -> Bool {
    var lock = locks[key, default: Lock()]
    defer { locks[key] = lock }
    if let own = lock.holders.firstIndex(where: { $0.who == who }) {
      let wanted = max(lock.holders[own].mode, mode)
      if lock.holders.allSatisfy({ $0.who == who || $0.mode.isCompatible(with: wanted) }) {
        lock.holders[own].mode = wanted
        return true
      }
      order += 1
      lock.holders[own].wanted = wanted
      lock.holders[own].order = order
      return false
    }
    if lock.queue.isEmpty, lock.holders.allSatisfy({ $0.wanted == nil }),
      lock.holders.allSatisfy({ $0.mode.isCompatible(with: mode) })
    {
      lock.holders.append(Holder(who: who, mode: mode))
      return true
    }
    lock.queue.append(Waiter(who: who, mode: mode))
    return false
  }

  /// Ends a wait. Returns who got something by that.
  mutating func withdraw(_ who: UInt64) -> Set<UInt64> {
    var granted: Set<UInt64> = []
    for key in Array(locks.keys) {
      locks[key]?.queue.removeAll { $0.who == who }
      for index in locks[key]!.holders.indices where locks[key]!.holders[index].who == who {
        locks[key]!.holders[index].wanted = nil
      }
      granted.formUnion(grant(key))
    }
    return granted
  }

  mutating func release(_ who: UInt64) -> Set<UInt64> {
    var granted = withdraw(who)
    for key in Array(locks.keys) {
      locks[key]?.holders.removeAll { $0.who == who }
      granted.formUnion(grant(key))
    }
    return granted
  }

  private mutating func grant(_ key: UInt64) -> Set<UInt64> {
    guard var lock = locks[key] else { return [] }
    defer { locks[key] = lock }
    var granted: Set<UInt64> = []
    let converters = lock.holders.filter { $0.wanted != nil }.sorted { $0.order < $1.order }
    for converter in converters {
      guard let wanted = converter.wanted,
        let own = lock.holders.firstIndex(where: { $0.who == converter.who }),
        lock.holders.allSatisfy({ $0.who == converter.who || $0.mode.isCompatible(with: wanted) })
      else { continue }
      lock.holders[own].mode = wanted
      lock.holders[own].wanted = nil
      granted.insert(converter.who)
    }
    while let first = lock.queue.first, lock.holders.allSatisfy({ $0.wanted == nil }),
      lock.holders.allSatisfy({ $0.mode.isCompatible(with: first.mode) })
    {
      lock.holders.append(Holder(who: first.who, mode: first.mode))
      lock.queue.removeFirst()
      granted.insert(first.who)
    }
    return granted
  }

  /// Everyone whom somebody waits for, with all edges of rule L7.
  func edges(of who: UInt64) -> Set<UInt64> {
    var edges: Set<UInt64> = []
    for lock in locks.values {
      if let own = lock.holders.first(where: { $0.who == who }), let wanted = own.wanted {
        for holder in lock.holders where holder.who != who {
          if !holder.mode.isCompatible(with: wanted) { edges.insert(holder.who) }
        }
      }
      if let place = lock.queue.firstIndex(where: { $0.who == who }) {
        for holder in lock.holders {
          if holder.wanted != nil || !holder.mode.isCompatible(with: lock.queue[place].mode) {
            edges.insert(holder.who)
          }
        }
        for earlier in lock.queue[..<place] { edges.insert(earlier.who) }
      }
    }
    return edges
  }

  /// Whether somebody waits, directly or not, for itself.
  func isInCircle(_ who: UInt64) -> Bool {
    var reached: Set<UInt64> = []
    var frontier = edges(of: who)
    while let next = frontier.popFirst() {
      if next == who { return true }
      if reached.insert(next).inserted { frontier.formUnion(edges(of: next)) }
    }
    return false
  }
}
