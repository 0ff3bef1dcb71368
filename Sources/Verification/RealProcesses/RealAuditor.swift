internal import Environment
internal import Martlet

/// Reads beside the writers, and complains when one snapshot shows half of a transaction or changes
/// under its reader.
struct RealAuditor: Sendable {
  let database: Database
  let keyspaces: [String: Keyspace]
  let threadCount: Int
  let effects: Effects

  /// - Parameter tell: called now and then.
  func run(until isOver: () -> Bool, complain: (String) -> Void, tell: () -> Void) {
    var round = 0
    while !isOver() {
      if round % 16 == 8 { tell() }
      do {
        // Every so often the snapshot is kept for a while, so that versions have to be.
        if let complaint = try look(at: round, pause: round % 16 == 15 ? 30_000_000 : 0) {
          return complain(complaint)
        }
      } catch {
        return complain("the auditor: \(error)")
      }
      rest(3_000_000)
      round += 1
    }
  }

  private func rest(_ nanoseconds: UInt64) {
    _ = effects.waits.park(
      effects.waits.makeTicket(), until: effects.time.monotonic() + nanoseconds)
  }

  private func look(at round: Int, pause: UInt64) throws -> String? {
    try database.read { snapshot in
      let first = try figures(snapshot, round)
      if first.counters.reduce(0, +) != first.total {
        return "counters \(first.counters) and a total of \(first.total) at \(snapshot.timestamp)"
      }
      if !first.agreed.allSatisfy({ $0 == first.agreed[0] }) {
        return "keys that were always written together differ at \(snapshot.timestamp)"
      }
      if pause > 0 { rest(pause) }
      guard try figures(snapshot, round) == first else {
        return "the snapshot at \(snapshot.timestamp) changed under its reader"
      }
      return nil
    }
  }

  private struct Figures: Equatable {
    var counters: [Int]
    var total: Int
    var agreed: [[UInt8]?]
  }

  private func figures(_ snapshot: borrowing Snapshot, _ round: Int) throws -> Figures {
    func keyspace(_ name: String) throws -> Keyspace {
      guard let keyspace = keyspaces[name] else {
        throw CrashSession.Violation(description: "keyspace \(name) is not open")
      }
      return keyspace
    }
    var counters: [Int] = []
    for counter in 0..<RealWorkload.counterCount {
      counters.append(
        try snapshot.value(
          for: RealWorkload.counterKey(counter), in: keyspace(RealWorkload.counterKeyspace),
          as: Int.self) ?? 0)
    }
    let total =
      try snapshot.value(
        for: RealWorkload.totalKey, in: keyspace(RealWorkload.totalKeyspace), as: Int.self) ?? 0
    let pair = RealWorkload.pairKey(
      round % threadCount, round / threadCount % RealWorkload.pairCount)
    var agreed: [[UInt8]?] = []
    for name in RealWorkload.keyspaces { agreed.append(try snapshot.get(pair, in: keyspace(name))) }
    return Figures(counters: counters, total: total, agreed: agreed)
  }
}
