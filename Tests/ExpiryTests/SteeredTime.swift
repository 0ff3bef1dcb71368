import Environment
import Martlet
import Synchronization
import SystemEnvironment

/// Clocks that a test moves: both stand still in between. The steady one is so far ahead that a wait
/// until one of its moments ends only when somebody wakes the waiter.
final class SteeredTime: TimeSource {
  private let wall = Atomic<UInt64>(1_800_000_000_000_000_000)
  private let steady = Atomic<UInt64>(1 << 61)

  private let dawdling = Atomic<Int>(0)

  func wallClock() -> UInt64 { reading(wall) }

  func monotonic() -> UInt64 { reading(steady) }

  private func reading(_ clock: borrowing Atomic<UInt64>) -> UInt64 {
    let value = clock.load(ordering: .sequentiallyConsistent)
    pass(dawdling.load(ordering: .relaxed))
    return value
  }

  /// Whoever reads a clock is kept waiting behind it for so long from now on.
  func keepReadersWaiting(seconds: Int) { dawdling.store(seconds, ordering: .relaxed) }

  /// Time passes.
  func pass(_ seconds: Int) {
    wall.wrappingAdd(UInt64(seconds) * 1_000_000_000, ordering: .sequentiallyConsistent)
    steady.wrappingAdd(UInt64(seconds) * 1_000_000_000, ordering: .sequentiallyConsistent)
  }

  /// Somebody sets the clock.
  func setWallClock(bySeconds seconds: Int) {
    wall.store(
      UInt64(Int64(wallClock()) + Int64(seconds) * 1_000_000_000),
      ordering: .sequentiallyConsistent)
  }

  var now: WallTime { WallTime(nanosecondsSince1970: wallClock()) }
}

/// A database in memory whose time a test moves.
struct SteeredDatabase {
  let time = SteeredTime()
  let db: Database
  let keys: Keyspace

  init(_ configuration: Configuration = Configuration(), options: KeyspaceOptions? = nil) throws {
    let base = Effects.memory()
    let effects = Effects(
      files: base.files, time: time, entropy: base.entropy, waits: base.waits,
      background: base.background, events: base.events)
    db = try Database(at: "/db", configuration: configuration, effects: effects)
    keys = try db.keyspace("k", options: options)
  }

  func value(_ key: String) throws -> String? {
    try db.read { try $0.value(for: key, in: keys, as: String.self) }
  }

  /// All keys that a snapshot sees, forwards; backwards it must see the same.
  func names() throws -> [String] {
    try db.read { snapshot in
      var forwards: [String] = []
      try snapshot.forEach(in: keys) { key, _ in
        forwards.append(String(valueBytes: key) ?? "?")
        return .continue
      }
      var backwards: [String] = []
      try snapshot.forEachKey(in: keys, .all, reverse: true, limit: nil) { key, _ in
        backwards.append(String(valueBytes: key) ?? "?")
        return .continue
      }
      precondition(forwards == backwards.reversed(), "both ways a scan shows the same")
      return forwards
    }
  }
}
