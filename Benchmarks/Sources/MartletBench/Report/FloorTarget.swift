/// The least ratio to LMDB that the engine's floor promises at each workload.
enum FloorTarget {
  static let peer = EngineKind.lmdb

  static func ratio(_ workload: Workload) -> Double? {
    switch workload.kind {
    case .randomRead, .randomReadTransaction, .fullScan: 1
    case .sortedLoad: 0.5
    case .randomLoad: 2
    case .putRelaxed: 4
    case .putFull: workload.threads == 1 ? 1 : 4
    }
  }
}
