/// A plan in words, for whoever looks at a run.
extension ClusterPlan {
  /// A line for each thing.
  package var description: [String] {
    let names = ClusterFault.allCases.filter(faults.contains).map(\.rawValue)
    return [
      "seed \(seed): \(nodeCount) voters, \(spareCount) spare machines, "
        + "\(setup.clientCount) clients, \(setup.keyCount) keys, \(safetySeconds) s of faults",
      "faults: \(names.isEmpty ? "none" : names.joined(separator: ", "))",
      "machines that may lose what they promised: \(weak)",
      "settings: \(settings)",
      "setup: \(setup)",
    ]
  }
}
