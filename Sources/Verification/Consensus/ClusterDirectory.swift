internal import Primitives

/// Which replica lives as which node on which machine. Numbers are given once (rule M6).
struct ClusterDirectory {
  private struct Place {
    let node: NodeID
    let machine: Int
  }

  private var places: [ReplicaID: Place] = [:]
  private var replicaCount: UInt32 = 0

  /// A new replica, as a new node, on a machine.
  mutating func settle(_ node: NodeID, on machine: Int) -> ReplicaID {
    replicaCount += 1
    let replica = ReplicaID(replicaCount)
    places[replica] = Place(node: node, machine: machine)
    return replica
  }

  func node(of replica: ReplicaID) -> NodeID? { places[replica]?.node }

  func machine(of replica: ReplicaID) -> Int? { places[replica]?.machine }

  func machine(of node: NodeID) -> Int? {
    places.values.first { $0.node == node }?.machine
  }

  /// Where everybody lives who ever lived.
  var addresses: [ReplicaID: NodeID] { places.mapValues(\.node) }
}
