internal import Consensus
internal import Primitives
internal import RawBytes

/// The receiving end of an image: one at a time, chunk by chunk, each asked for by its number. Pure.
///
/// ```
///   idle ── offer ─▶ asking ── chunk ─▶ storing ── stored ─▶ asking … finishing ── finished ─▶ idle
///                      ▲  └─ silence: ask again, at last give up ─▶ idle
/// ```
///
/// - Invariant IR1: chunks are stored in order, each once, and only with the hash that was offered.
/// - Invariant IR2: an image that reaches no further than the state is never begun.
struct ImageReceiver {
  enum Action: Equatable {
    case ask(id: UInt64, chunk: Int, of: ReplicaID)
    /// Begin to build a state, in place of any that was begun.
    case begin
    case store([UInt8])
    /// All chunks are stored: complete the state and install it.
    case finish(ImageOffer)
    /// Give up what was begun.
    case abandon
    case release(id: UInt64, of: ReplicaID)
  }

  private enum State {
    case idle
    case asking(ImageOffer, from: ReplicaID, chunk: Int, askedAt: BootTime, attempts: Int)
    case storing(ImageOffer, from: ReplicaID, chunk: Int)
    case finishing(ImageOffer, from: ReplicaID)
  }

  private var state = State.idle

  /// How long a chunk may take before it is asked for again, and how often. Nanoseconds.
  static let patience: UInt64 = 1_000_000_000
  static let attemptLimit = 10

  var isIdle: Bool { if case .idle = state { true } else { false } }

  var deadline: BootTime? {
    if case .asking(_, _, _, let askedAt, _) = state {
      askedAt.advanced(by: Self.patience)
    } else {
      nil
    }
  }

  mutating func offered(
    _ offer: ImageOffer, by sender: ReplicaID, appliedSlot: Slot, now: BootTime
  ) -> [Action] {
    guard offer.base.slot > appliedSlot else { return [.release(id: offer.id, of: sender)] }
    guard isIdle else { return [] }
    return [.begin] + proceed(offer, sender, to: 0, now)
  }

  mutating func received(
    id: UInt64, chunk: Int, _ bytes: [UInt8], now: BootTime
  ) -> [Action] {
    guard case .asking(let offer, let sender, let wanted, _, let attempts) = state,
      id == offer.id, chunk == wanted
    else { return [] }
    guard bytes.withByteView({ StateHash.of($0) }) == offer.chunkHashes[chunk] else {
      state = .asking(offer, from: sender, chunk: chunk, askedAt: now, attempts: attempts + 1)
      return [.ask(id: id, chunk: chunk, of: sender)]
    }
    state = .storing(offer, from: sender, chunk: chunk)
    return [.store(bytes)]
  }

  /// The newest chunk is stored, or could not be.
  mutating func stored(_ isSuccess: Bool, now: BootTime) -> [Action] {
    guard case .storing(let offer, let sender, let chunk) = state else { return [] }
    return isSuccess ? proceed(offer, sender, to: chunk + 1, now) : giveUp(offer, sender)
  }

  /// The sender has the image no more.
  mutating func lost(id: UInt64) -> [Action] {
    guard case .asking(let offer, _, _, _, _) = state, offer.id == id else { return [] }
    state = .idle
    return [.abandon]
  }

  mutating func tick(now: BootTime) -> [Action] {
    guard case .asking(let offer, let sender, let chunk, let askedAt, let attempts) = state,
      now.elapsed(since: askedAt) >= Self.patience
    else { return [] }
    if attempts >= Self.attemptLimit { return giveUp(offer, sender) }
    state = .asking(offer, from: sender, chunk: chunk, askedAt: now, attempts: attempts + 1)
    return [.ask(id: offer.id, chunk: chunk, of: sender)]
  }

  /// The image is installed, or could not be.
  mutating func finished() -> [Action] {
    guard case .finishing(let offer, let sender) = state else { return [] }
    state = .idle
    return [.release(id: offer.id, of: sender)]
  }

  private mutating func proceed(
    _ offer: ImageOffer, _ sender: ReplicaID, to chunk: Int, _ now: BootTime
  ) -> [Action] {
    if chunk == offer.chunkHashes.count {
      state = .finishing(offer, from: sender)
      return [.finish(offer)]
    }
    state = .asking(offer, from: sender, chunk: chunk, askedAt: now, attempts: 0)
    return [.ask(id: offer.id, chunk: chunk, of: sender)]
  }

  private mutating func giveUp(_ offer: ImageOffer, _ sender: ReplicaID) -> [Action] {
    state = .idle
    return [.abandon, .release(id: offer.id, of: sender)]
  }
}
