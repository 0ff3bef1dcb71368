internal import Martlet
internal import Simulation

extension TorturePlan: CustomStringConvertible {
  /// The plan for people, a line for each life.
  package var description: String {
    var lines = [
      "pages of \(configuration.pageSize), cache of \(configuration.cacheSize >> 10) KiB, "
        + "\(configuration.durability), \(configuration.compression), versions "
        + "\(configuration.versionBudget >> 10) KiB, write set "
        + "\(configuration.transactionSizeLimit >> 10) KiB, checkpoint after "
        + "\(configuration.checkpointLogBytes >> 10) KiB or \(configuration.checkpointInterval), "
        + "lock timeout \(configuration.lockTimeout), \(keyCount) keys"
        + (expires ? ", sweeps after \(configuration.expiryPace.delay)" : "")
    ]
    for (number, life) in lives.enumerated() {
      let steps = life.sessions.reduce(0) { $0 + $1.count }
      let faults = life.faults.map { "\($0.kind.rawValue) \($0.occurrence)" }
      let cuts = life.recoveryCuts.map { "\($0.change) \($0.model)" }
      lines.append(
        "life \(number): \(life.sessions.count) sessions, \(steps) steps"
          + (faults.isEmpty ? "" : "; \(faults.joined(separator: ", "))")
          + "; ends by \(life.ending), restarts \(life.restart)"
          + (cuts.isEmpty ? "" : "; cuts in recovery: \(cuts.joined(separator: ", "))"))
    }
    return lines.joined(separator: "\n")
  }
}
