import Environment
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// Each call of the file system fails, with each number, once and from then on, while entries expire, are
/// prolonged and are swept.
@Suite(.serialized) struct `Expiry on a failing disk` {
  @Test func `takes what has expired and nothing else, and sweeps on when the disk is well again`()
    throws
  {
    let survey = try CallFaultSurvey<ExpiringLife>(seed: 11)
    #expect(survey.problems(stride: Effort.stride(debug: 83, release: 7)) == [])
  }
}

/// Keys that stay, keys that are prolonged in time, and keys that go.
private final class ExpiringLife: FaultedLife {
  var refusals: [DatabaseError] = []
  /// Of each key when it expires, by the seconds of the life; nil: never. A key of which that is not
  /// known has several.
  private var known: [String: [Double?]] = [:]
  private var begin: UInt64 = 0

  private static let lasting = 100_000.0

  private static var configuration: Configuration {
    var configuration = CrashSession.smallConfiguration
    configuration.expiryPace.keyLimit = 5
    configuration.expiryPace.entryLimit = 8
    return configuration
  }

  func live(_ effects: Effects, relieve: () -> Void) throws {
    begin = effects.time.wallClock()
    guard
      let database = opened({
        try Database(at: "/db", configuration: Self.configuration, effects: effects)
      })
    else { return relieve() }
    defer { note { try database.close() } }
    var keys: Keyspace?
    note { keys = try database.keyspace("k") }
    if let keys { work(database, keys, effects) }
    relieve()
    if isFinal { return }
    let resumed = try database.keyspace("k")
    // Where a sweep has met the end of the log, nobody else may have met it yet.
    write("stays at the end", nil, database) { tx in
      try tx.set(0, for: "stays at the end", in: resumed)
    }
    if isFinal { return }
    Self.sleep(60, effects)
    try look(at: database, resumed, second: 100)
    let gone = known.values.filter { $0.count == 1 && ($0[0] ?? Self.lasting) < 100 }.count
    guard database.statistics.expiredEntriesRemoved == UInt64(gone) else {
      throw CrashSession.Violation(
        description: "\(database.statistics.expiredEntriesRemoved) swept of \(gone): \(refusals)")
    }
  }

  private func work(_ database: Database, _ keys: Keyspace, _ effects: Effects) {
    for number in 0..<20 where !isFinal {
      let value = [UInt8](repeating: UInt8(number), count: 700)
      let (key, seconds): (String, Double?) =
        switch number % 4 {
        case 0: ("stays \(number)", nil)
        case 1: ("prolonged \(number)", 20)
        default: ("goes \(number)", Double(10 + number % 3))
        }
      write(key, seconds, database) { tx in
        try tx.set(
          value, for: key, in: keys,
          expires: seconds.map { .after(.milliseconds(Int($0 * 1000))) } ?? .never)
      }
    }
    Self.sleep(5, effects)
    for key in known.keys.sorted() where key.hasPrefix("prolonged") && !isFinal {
      write(key, Self.lasting, database) { tx in
        try tx.touch(key, in: keys, expires: .after(.seconds(Int(Self.lasting))))
      }
    }
    // Sweeps in the middle of the trouble.
    Self.sleep(30, effects)
  }

  private func write(
    _ key: String, _ seconds: Double?, _ database: Database,
    _ body: (borrowing Transaction) throws -> Void
  ) {
    let refusal = note {
      try database.write { try body($0) }
      known[key] = [seconds]
    }
    if refusal?.code == .commitUnknown { known[key] = (known[key] ?? [0]) + [seconds] }
  }

  private static func sleep(_ seconds: UInt64, _ effects: Effects) {
    let end = effects.time.monotonic() + seconds * 1_000_000_000
    _ = effects.waits.park(effects.waits.makeTicket(), until: end)
  }

  func check(_ effects: Effects) throws {
    let database = try Database(at: "/db", configuration: Self.configuration, effects: effects)
    defer { try? database.close() }
    guard let keys = try database.existingKeyspace("k") else {
      guard known.values.allSatisfy({ $0.count > 1 }) else {
        throw CrashSession.Violation(description: "\(known.count) acknowledged, no keyspace")
      }
      return
    }
    try look(at: database, keys, second: 1_000)
    Self.sleep(30, effects)
    try look(at: database, keys, second: 1_000)
    if let finding = try database.verify().findings.first {
      throw CrashSession.Violation(description: "\(finding)")
    }
  }

  private func look(at database: Database, _ keys: Keyspace, second: Double) throws {
    var found: [String: Double?] = [:]
    try database.read { snapshot in
      var names: [String] = []
      try snapshot.forEach(in: keys) { key, _ in
        names.append(String(valueBytes: key) ?? "?")
        return .continue
      }
      for name in names {
        let moment = try snapshot.expiry(of: name, in: keys)?.moment?.nanosecondsSince1970
        let seconds: Double? = moment.map { $0 - begin > 1_000_000_000_000 ? Self.lasting : 0 }
        found.updateValue(seconds, forKey: name)
      }
    }
    for name in Set(found.keys).union(known.keys) {
      let isLegal = (known[name] ?? [0]).contains { seconds in
        guard seconds.map({ $0 > second }) ?? true else { return found[name] == nil }
        return found[name] == .some(seconds)
      }
      guard isLegal else {
        throw CrashSession.Violation(
          description: "\(name) is \(found[name].map { "\(String(describing: $0))" } ?? "absent"); "
            + "known: \(String(describing: known[name]))")
      }
    }
  }
}
