internal import Consensus
internal import RawBytes
internal import Replication
internal import Simulation

/// What replicas say to each other, for whoever reads a run.
extension ClusterRun {
  /// From now on the journal has what is sent, but for what a group says all the time.
  func noteFrames() {
    world.network.observer = { [unowned self] from, to, frame, copies in
      let parcels = frame.withByteView { try? Frame.decode($0, cluster: ClusterMember.cluster) }
      for parcel in parcels ?? [] where !parcel.content.isUsual {
        note("machine \(from) to \(to)\(copies == 0 ? ", lost" : ""): \(parcel.content.summary)")
      }
    }
  }
}

extension Parcel.Content {
  /// Whether it is said several times a second.
  fileprivate var isUsual: Bool {
    switch self {
    case .consensus(let message):
      switch message {
      case .accept, .accepted, .chosen, .acknowledge, .readIndex, .readIndexReply: true
      default: false
      }
    case .image: false
    case .stateHash: true
    }
  }

  /// In few words.
  fileprivate var summary: String {
    switch self {
    case .consensus(.fetched(let entries, let chosenSlot, let logStart)):
      "fetched \(entries.count) entries, chosen \(chosenSlot), log from \(logStart)"
    case .consensus(.promise(let promise)):
      "promise of \(promise.ballot), chosen \(promise.chosenSlot), \(promise.accepted.count) "
        + "accepted, unsure \(promise.unknown.map { "\($0)" } ?? "of none")"
    case .image(.chunk(let id, let chunk, let bytes)):
      "image \(id): chunk \(chunk) of \(bytes.count) bytes"
    case .image(.offer(let offer)): "image \(offer.id) offered, of \(offer.base.slot)"
    default: "\(self)"
    }
  }
}
