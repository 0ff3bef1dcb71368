internal import Primitives

/// The steps by which a snapshot begins while commits go on.
///
/// A commit may discard what it supersedes when nobody can be watching. A beginning snapshot and
/// such a commit must not miss each other. Both look only after they have shown themselves, in one
/// sequentially consistent order:
///
///     begin                                   commit (CommitHandshake)
///     claim a slot as "pending"               count itself as discarding
///     wait until nobody is discarding         look at all slots: someone there? retract, keep
///     load the watermark                      overwrite, publish
///     store the timestamp                     no longer discarding
///
/// If the commit looked before the slot was pending, it is counted until it is published, so the
/// begin waits for it and the watermark loaded afterwards shows it. Otherwise the commit sees the
/// pending slot and keeps. The watermark is loaded after the count was seen at zero, never before:
/// between the two a discarding commit could begin, publish and be gone.
///
/// - Invariant BH1: each call of `advance` makes at most one access to shared memory that others
///   can tell apart, so that interleaving calls explores every order.
package struct BeginHandshake {
  private enum Step { case claim, wait, load, register, done }

  private var step = Step.claim
  private var slot = 0
  private var watermark = Timestamp.zero
  private let kind: SnapshotKind
  private let hint: Int

  package init(_ kind: SnapshotKind, hint: Int) {
    self.kind = kind
    self.hint = hint
  }

  /// What a step led to.
  package enum Progress: Equatable, Sendable {
    case advanced
    /// A discarding commit is under way: yield and try again.
    case blocked
    case begun(StoreSnapshot)
  }

  package mutating func advance(in registry: SnapshotRegistry) -> Progress {
    switch step {
    case .claim:
      slot = registry.claim(hint: hint)
      step = .wait
    case .wait:
      guard registry.discardingCount == 0 else { return .blocked }
      step = .load
    case .load:
      watermark = kind == .acknowledged ? registry.acknowledged : registry.published
      step = .register
    case .register:
      registry.register(slot, at: watermark)
      step = .done
      return .begun(StoreSnapshot(timestamp: watermark, slot: UInt32(slot)))
    case .done:
      preconditionFailure("a handshake is made once")
    }
    return .advanced
  }

  /// Goes on although a commit is discarding: it failed half-way and will never be published.
  package mutating func stopWaiting() {
    if case .wait = step { step = .load }
  }
}
