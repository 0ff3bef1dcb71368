import Environment
import Foundation
import Martlet
import Seeds
import Simulation

extension SplitMix {
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

struct WorkFailed: Error, CustomStringConvertible {
  let description: String
}

enum QueueWorld {
  static func open(_ effects: Effects) throws -> Database {
    let configuration = Configuration(
      pageSize: 4096, cacheSize: 64 * 4096, versionBudget: 1 << 20, checkpointLogBytes: 96 << 10,
      checkpointInterval: .seconds(1))
    return try Database(at: "/db", configuration: configuration, effects: effects)
  }

  /// Lets virtual time pass.
  static func sleep(_ duration: Duration, _ effects: Effects) {
    let nanoseconds = UInt64(duration / .nanoseconds(1))
    _ = effects.waits.park(
      effects.waits.makeTicket(), until: effects.time.monotonic() + nanoseconds)
  }
}

extension MessageQueue {
  /// The bodies of what is due, claimed one by one.
  func drain() throws -> [String] {
    var bodies: [String] = []
    while let message = try claim().first {
      bodies.append(message.decoded(as: String.self) ?? "?")
      try acknowledge(message)
    }
    return bodies
  }
}
