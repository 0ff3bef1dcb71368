internal import ConcurrencyControl
internal import Primitives

/// Who has read what: finds the observers of a key without asking each of them.
struct InterestIndex {
  private struct Interests {
    /// By fingerprint; an observer once for each of its names.
    var names: [UInt64: [ObserverID]] = [:]
    var intervals = IntervalIndex()
    /// How many names and intervals each observer has here.
    var counts: [ObserverID: Int] = [:]
  }

  private var keyspaces: [KeyspaceID: Interests] = [:]

  /// Whether anybody has read anything of a keyspace.
  func hasInterest(in keyspace: KeyspaceID) -> Bool { keyspaces[keyspace] != nil }

  /// Who has read anything of a keyspace, in no order.
  func observers(in keyspace: KeyspaceID) -> [ObserverID] {
    keyspaces[keyspace].map { Array($0.counts.keys) } ?? []
  }

  /// Who has read anything, in no order, some more than once.
  var observers: [ObserverID] { keyspaces.values.flatMap(\.counts.keys) }

  mutating func insert(_ id: ObserverID, _ interest: Interest) {
    for name in interest.names {
      keyspaces[name.keyspace, default: Interests()].names[name.fingerprint, default: []].append(id)
      keyspaces[name.keyspace]?.counts[id, default: 0] += 1
    }
    for interval in interest.intervals where !interval.isEmpty {
      keyspaces[interval.keyspace, default: Interests()].intervals.insert(interval, id)
      keyspaces[interval.keyspace]?.counts[id, default: 0] += 1
    }
  }

  /// Takes out what was inserted.
  mutating func remove(_ id: ObserverID, _ interest: Interest) {
    for name in interest.names {
      let place = keyspaces[name.keyspace]?.names[name.fingerprint]?.lastIndex(of: id)
      guard let place else { preconditionFailure("a name that was not inserted") }
      keyspaces[name.keyspace]?.names[name.fingerprint]?.swapRemove(at: place)
      if keyspaces[name.keyspace]?.names[name.fingerprint]?.isEmpty == true {
        keyspaces[name.keyspace]?.names[name.fingerprint] = nil
      }
      count(out: id, of: name.keyspace)
    }
    for interval in interest.intervals where !interval.isEmpty {
      keyspaces[interval.keyspace]?.intervals.remove(interval, id)
      count(out: id, of: interval.keyspace)
    }
  }

  private mutating func count(out id: ObserverID, of keyspace: KeyspaceID) {
    guard let count = keyspaces[keyspace]?.counts[id] else {
      preconditionFailure("an interest that was not inserted")
    }
    keyspaces[keyspace]?.counts[id] = count == 1 ? nil : count - 1
    if keyspaces[keyspace]?.counts.isEmpty == true { keyspaces[keyspace] = nil }
  }

  /// Visits who has read a key, some more than once.
  ///
  /// - Complexity: logarithmic in the intervals, and linear in those visited.
  func forEachObserver(of name: LockName, key: RawSpan, _ body: (ObserverID) -> Void) {
    guard let interests = keyspaces[name.keyspace] else { return }
    interests.names[name.fingerprint]?.forEach(body)
    interests.intervals.forEachObserver(of: key, body)
  }
}

extension [ObserverID] {
  /// Removes an element; the last one takes its place.
  fileprivate mutating func swapRemove(at place: Int) {
    swapAt(place, count - 1)
    removeLast()
  }
}
