internal import Martlet
package import Primitives

/// A merge operation, as the model carries it out.
package enum TortureMerge: Sendable, Hashable {
  case add(Int)
  case least(Int)
  case greatest(Int)
  case append(TortureValue)
  case insert(UInt8)
  case remove(UInt8)

  /// The value that a value becomes; nil stands for an absent key, on either side. The keys that
  /// runs merge into hold what suits.
  package func result(on bytes: [UInt8]?) -> [UInt8]? {
    let number = bytes.flatMap(TortureValue.counter(ofBytes:))
    switch self {
    case .add(let difference): return TortureValue.bytes(ofCounter: (number ?? 0) + difference)
    case .least(let bound): return TortureValue.bytes(ofCounter: min(number ?? bound, bound))
    case .greatest(let bound): return TortureValue.bytes(ofCounter: max(number ?? bound, bound))
    case .append(let value): return (bytes ?? []) + value.bytes
    case .insert(let element):
      return TortureValue.bytes(ofSet: TortureValue.elements(ofSet: bytes ?? []).union([element]))
    case .remove(let element):
      return bytes.map {
        TortureValue.bytes(ofSet: TortureValue.elements(ofSet: $0).subtracting([element]))
      }
    }
  }

  /// The same, asked of the engine.
  var operation: MergeOperation {
    switch self {
    case .add(let difference): .add(difference)
    case .least(let bound): .min(bound)
    case .greatest(let bound): .max(bound)
    case .append(let value): .append(value.bytes)
    case .insert(let element): .insert([element])
    case .remove(let element): .remove([element])
    }
  }
}

/// What a transaction does to a key.
package enum TortureEffect: Sendable, Hashable {
  /// The bytes are known where somebody may merge into them.
  case set(hash: UInt64, bytes: [UInt8]?, expiry: UInt64)
  case remove
  /// Gives what is there another expiry.
  case touch(expiry: UInt64)
  /// What the merge makes of nothing expires then; what was there keeps its expiry.
  case merge(TortureMerge, madeExpiring: UInt64)
}

/// A value as the history knows it: the hash of its bytes, under the moment of its commit.
///
/// Equal are two of one hash, moment and expiry, whether or not the bytes are known.
package struct TortureEntry: Sendable, Hashable {
  package var hash: UInt64
  package var timestamp: Timestamp
  /// By the wall clock; zero: never.
  package var expiry: UInt64
  /// Known of keys that are merged into.
  package var bytes: [UInt8]?

  package init(hash: UInt64, timestamp: Timestamp, expiry: UInt64 = 0, bytes: [UInt8]? = nil) {
    self.hash = hash
    self.timestamp = timestamp
    self.expiry = expiry
    self.bytes = bytes
  }

  package static func == (left: TortureEntry, right: TortureEntry) -> Bool {
    left.hash == right.hash && left.timestamp == right.timestamp && left.expiry == right.expiry
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(hash)
    hasher.combine(timestamp)
    hasher.combine(expiry)
  }

  /// Whether who judges by a moment sees it.
  package func isAlive(at moment: UInt64) -> Bool { expiry == 0 || expiry > moment }
}

extension TortureEntry? {
  /// What who judges by a moment sees.
  package func seen(at moment: UInt64) -> TortureEntry? {
    if let entry = self, entry.isAlive(at: moment) { return entry }
    return nil
  }

  /// What a transaction that judges by a moment makes of it.
  package func after(
    _ effects: [TortureEffect], at timestamp: Timestamp, judgedBy moment: UInt64
  ) -> TortureEntry? {
    var entry = seen(at: moment)
    for effect in effects {
      switch effect {
      case .set(let hash, let bytes, let expiry):
        entry = TortureEntry(hash: hash, timestamp: timestamp, expiry: expiry, bytes: bytes)
      case .remove: entry = nil
      case .touch(let expiry):
        entry?.expiry = expiry
        entry?.timestamp = timestamp
      case .merge(let merge, let madeExpiring):
        let before = entry.seen(at: moment)
        entry = merge.result(on: before?.bytes).map { bytes in
          TortureEntry(
            hash: TortureValue.hash(bytes), timestamp: timestamp,
            expiry: before.map(\.expiry) ?? madeExpiring, bytes: bytes)
        }
      }
    }
    return entry
  }
}
