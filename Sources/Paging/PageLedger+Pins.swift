package import Primitives

/// Maps that a copy is being made of.
///
/// A pinned map is one that was durable: its images, its blocks and its root table stay where they
/// are until the last pin goes, whatever checkpoints come meanwhile.
///
/// ```text
///               no map of a crash or the present needs it any more
///  (pending) ──────────────┬──────────────────────────────► (free)
///                          │ a pinned map does                 ▲
///                          └──────────────► (held) ────────────┘
///                                                  last pin gone
/// ```
///
/// - Invariant PL6: a place is held exactly when a pinned map includes it, and neither the durable
///   map, nor the map in progress, nor the current one does.
extension PageLedger {
  /// Pins the durable map.
  package mutating func pinDurable() -> Generation {
    pins.append(durable)
    return durable
  }

  /// Takes back one pin. What was held is looked at by `releaseHeld`, step by step, since it may be
  /// much.
  package mutating func unpin(_ generation: Generation) {
    guard let index = pins.firstIndex(of: generation) else {
      preconditionFailure("a checkpoint is let go that nobody pinned")
    }
    pins.remove(at: index)
    unexamined += held
    held = []
  }

  /// Frees what no pin needs among the next so many places. False when all were looked at.
  package mutating func releaseHeld(limit: Int) -> Bool {
    for _ in 0..<min(limit, unexamined.count) {
      let place = unexamined.removeLast()
      heldUnitCount -= place.place.unitCount
      free(place)
    }
    return !unexamined.isEmpty
  }

  /// Frees a place that nothing but a pinned map may include.
  mutating func free(_ place: PendingPlace) {
    if pins.contains(where: { place.birth <= $0 && $0 <= place.last }) {
      held.append(place)
      heldUnitCount += place.place.unitCount
    } else {
      space.release(place.place)
    }
  }

  package var pinCount: Int { pins.count }
}
