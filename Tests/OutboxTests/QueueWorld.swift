import Environment
import Foundation
import Martlet
import Simulation

/// The seed of a random test: `MARTLET_SEED` of the environment, or a new one. Printed first.
func testSeed(_ test: String = #function) -> UInt64 {
  let given = ProcessInfo.processInfo.environment["MARTLET_SEED"].flatMap(UInt64.init)
  let seed = given ?? UInt64.random(in: 0..<1_000_000_000)
  print("\(test): MARTLET_SEED=\(seed)")
  return seed
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

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
