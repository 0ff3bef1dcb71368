internal import Consensus
internal import Primitives

/// The sending end of images of one group: one image at a time, for any number of receivers. Pure.
///
/// - Invariant IS1: an image is dropped when nobody has asked for a chunk of it for a while, or all
///   who did have said that they need it no more; never while it is being made.
struct ImageSender {
  enum Action: Equatable {
    case make
    case offer(ImageOffer, to: ReplicaID)
    case read(chunk: Int, for: ReplicaID)
    case deny(id: UInt64, to: ReplicaID)
    case drop
  }

  private enum State {
    case none
    case making(for: [ReplicaID])
    case ready(ImageOffer, users: [ReplicaID: BootTime])
  }

  private var state = State.none

  /// A receiver that is silent for so long has gone. Nanoseconds.
  static let patience: UInt64 = 10_000_000_000

  /// A replica lacks what the log here no longer holds.
  mutating func wanted(by replica: ReplicaID, now: BootTime) -> [Action] {
    switch state {
    case .none:
      state = .making(for: [replica])
      return [.make]
    case .making(let waiting):
      if !waiting.contains(replica) { state = .making(for: waiting + [replica]) }
      return []
    case .ready(let offer, var users):
      if users[replica] == nil { users[replica] = now }
      state = .ready(offer, users: users)
      return [.offer(offer, to: replica)]
    }
  }

  /// The image is made; nil: it could not be.
  mutating func made(_ offer: ImageOffer?, now: BootTime) -> [Action] {
    guard case .making(let waiting) = state else { return offer == nil ? [] : [.drop] }
    guard let offer else {
      state = .none
      return []
    }
    state = .ready(offer, users: Dictionary(uniqueKeysWithValues: waiting.map { ($0, now) }))
    return waiting.map { .offer(offer, to: $0) }
  }

  mutating func requested(
    id: UInt64, chunk: Int, by replica: ReplicaID, now: BootTime
  ) -> [Action] {
    guard case .ready(let offer, var users) = state, offer.id == id,
      chunk < offer.chunkHashes.count
    else { return [.deny(id: id, to: replica)] }
    users[replica] = now
    state = .ready(offer, users: users)
    return [.read(chunk: chunk, for: replica)]
  }

  mutating func released(id: UInt64, by replica: ReplicaID) -> [Action] {
    guard case .ready(let offer, var users) = state, offer.id == id else { return [] }
    users[replica] = nil
    return keep(offer, users)
  }

  var deadline: BootTime? {
    guard case .ready(_, let users) = state else { return nil }
    return users.values.min()?.advanced(by: Self.patience)
  }

  mutating func tick(now: BootTime) -> [Action] {
    guard case .ready(let offer, let users) = state else { return [] }
    return keep(offer, users.filter { now.elapsed(since: $0.value) < Self.patience })
  }

  /// The image turned out to be damaged.
  mutating func spoiled() -> [Action] {
    guard case .ready(let offer, let users) = state else { return [] }
    state = .none
    return users.keys.sorted().map { .deny(id: offer.id, to: $0) } + [.drop]
  }

  private mutating func keep(_ offer: ImageOffer, _ users: [ReplicaID: BootTime]) -> [Action] {
    if users.isEmpty {
      state = .none
      return [.drop]
    }
    state = .ready(offer, users: users)
    return []
  }
}
