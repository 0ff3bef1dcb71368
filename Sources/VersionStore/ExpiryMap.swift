package import Primitives
package import RawBytes

/// Part of a keyspace in which entries expire.
package struct ExpiryStretch: Sendable, Equatable {
  package let keyspace: KeyspaceID
  /// Its first key; empty: from the begin of the keyspace.
  package let lower: [UInt8]
  /// The first key behind it; nil: to the end of the keyspace.
  package let upper: [UInt8]?
}

/// Where entries expire, and when each place is worth a visit.
///
/// An index of all moments of expiry would cost every write of such an entry a second one. A list of
/// them in memory would grow with the data. Walking everything again and again costs more the less
/// there is to find. So keyspaces are divided into stretches of some thousand entries, and of each
/// stretch one number is known: when the first of its entries expires. A write lowers it; a visit
/// walks the stretch, removes what has expired, and finds it anew. What is not known, after opening,
/// is due at once: one walk, in pieces, makes it known.
///
/// - Invariant EM1: the stretches of a keyspace cover it, ascending, without a gap.
/// - Invariant EM2: a stretch that nobody visits is due at or before each of its entries expires.
package struct ExpiryMap: Sendable {
  private struct Stretch: Sendable {
    var lower: [UInt8]
    var due: UInt64
  }

  private var stretches: [KeyspaceID: [Stretch]] = [:]

  package init() {}

  private static let never = UInt64.max

  package var keyspaces: [KeyspaceID] { stretches.keys.sorted() }

  /// How many stretches there are.
  package var count: Int { stretches.values.reduce(0) { $0 + $1.count } }

  // MARK: Noting

  /// Adds a keyspace of which nothing is known.
  package mutating func addUnknown(_ keyspace: KeyspaceID) {
    stretches[keyspace] = [Stretch(lower: [], due: 0)]
  }

  package mutating func note(_ expiry: UInt64, of key: ByteView, in keyspace: KeyspaceID) {
    guard let known = stretches[keyspace] else {
      stretches[keyspace] = [Stretch(lower: [], due: expiry)]
      return
    }
    let index = Self.index(of: key, in: known)
    if known[index].due > expiry { stretches[keyspace]?[index].due = expiry }
  }

  package mutating func forget(_ keyspace: KeyspaceID) { stretches[keyspace] = nil }

  // MARK: Visiting

  /// When the next visit is due; nil: never.
  package var nextDue: UInt64? {
    var least = Self.never
    for list in stretches.values {
      for stretch in list { least = min(least, stretch.due) }
    }
    return least == Self.never ? nil : least
  }

  /// The stretch due first, if it is by now; it is taken for empty until it was visited.
  package mutating func take(dueAt moment: UInt64) -> ExpiryStretch? {
    var best: (keyspace: KeyspaceID, index: Int, due: UInt64)?
    for keyspace in keyspaces {
      for (index, stretch) in (stretches[keyspace] ?? []).enumerated()
      where stretch.due <= moment && stretch.due < best?.due ?? Self.never {
        best = (keyspace, index, stretch.due)
      }
    }
    guard let best, let list = stretches[best.keyspace] else { return nil }
    stretches[best.keyspace]?[best.index].due = Self.never
    return ExpiryStretch(
      keyspace: best.keyspace, lower: list[best.index].lower,
      upper: best.index + 1 < list.count ? list[best.index + 1].lower : nil)
  }

  /// Ends a visit: what was noted meanwhile stays.
  package mutating func visited(
    _ stretch: ExpiryStretch, upTo end: [UInt8]?, due: UInt64?, restDue: UInt64?
  ) {
    guard var list = stretches[stretch.keyspace] else { return }
    let index = stretch.lower.withByteView { Self.index(of: $0, in: list) }
    guard list[index].lower == stretch.lower else { return }
    let noted = list[index].due
    list[index].due = min(noted, due ?? Self.never)
    if let end {
      list.insert(
        Stretch(lower: end, due: min(noted, restDue ?? Self.never)), at: index + 1)
    } else if index > 0, list[index].due == Self.never, list[index - 1].due == Self.never {
      // Neighbours without anything to expire are one.
      list.remove(at: index)
    }
    stretches[stretch.keyspace] = list
  }

  /// The last stretch that begins at or before a key.
  private static func index(of key: ByteView, in list: [Stretch]) -> Int {
    var low = 0
    var high = list.count
    while high - low > 1 {
      let middle = (low + high) / 2
      let isBehind = list[middle].lower.withByteView { key < $0 }
      if isBehind { high = middle } else { low = middle }
    }
    return low
  }
}
