internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes

/// What gathers for another node during a turn.
final class Outbox {
  let node: NodeID
  var writer: FrameWriter

  init(node: NodeID, cluster: DatabaseID) {
    self.node = node
    writer = FrameWriter(cluster: cluster)
  }

  var isEmpty: Bool { writer.parcelCount == 0 }
}

// Between frames and parcels.
extension NodeRuntime {
  func post(_ envelope: Envelope, _ index: Int) {
    post(
      Parcel(
        group: members[index].group, from: envelope.from, to: envelope.to,
        content: .consensus(envelope.message)),
      index)
  }

  /// Puts a parcel where it goes out at the end of the turn. One for a replica whose address is not
  /// known is lost, as any may be.
  func post(_ parcel: Parcel, _ index: Int) {
    guard let node = members[index].description.addresses[parcel.to] else { return }
    if node == shared.identity.node {
      localParcels.append(parcel)
      return
    }
    let outbox = outbox(of: node)
    if outbox.writer.byteCount > Frame.softByteLimit, !outbox.isEmpty {
      shared.transport.send(outbox.writer.finish(), to: node)
    }
    outbox.writer.append(parcel)
  }

  private func outbox(of node: NodeID) -> Outbox {
    if let outbox = outboxes.first(where: { $0.node == node }) { return outbox }
    let outbox = Outbox(node: node, cluster: shared.identity.cluster)
    outboxes.append(outbox)
    return outbox
  }

  func received(_ frame: [UInt8]) {
    do throws(FrameError) {
      let parcels = try frame.withByteView { (bytes) throws(FrameError) in
        try Frame.decode(bytes, cluster: shared.identity.cluster)
      }
      for parcel in parcels { take(parcel) }
    } catch {
      // Bytes that lie are as good as lost: whoever sent something sends it again.
      if effects.events.wants(.debug) { report(.debug, "a frame was dropped: \(error)") }
    }
  }

  func take(_ parcel: Parcel) {
    guard let index = indices[parcel.group], members[index].id == parcel.to else { return }
    switch parcel.content {
    case .consensus(let message):
      step(
        index, .message(Envelope(from: parcel.from, to: parcel.to, message: message)))
    case .image(let message): take(message, from: parcel.from, index)
    case .stateHash(let slot, let hash): compare(index, slot, hash)
    }
  }
}
