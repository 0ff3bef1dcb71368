import Environment
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// Each call of the file system fails, with each number, once and from then on, while two writers merge
/// into the same keys.
@Suite(.serialized) struct `Merges on a failing disk` {
  @Test func `count once where they were acknowledged, and not where they were refused`() throws {
    let survey = try CallFaultSurvey<MergingLife>(seed: 7)
    #expect(survey.problems(stride: Effort.stride(debug: 83, release: 7)) == [])
  }
}

/// Each transaction counts itself in a number, puts itself into a set and behind a text: the three agree,
/// whatever happens, when each of its merges counts once or not at all.
private final class MergingLife: FaultedLife, @unchecked Sendable {
  // SENDABLE: touched by the one thread of the simulation that runs.
  var refusals: [DatabaseError] = []
  private var acknowledged: Set<Int> = []
  private var unknown: Set<Int> = []

  private static let configuration = CrashSession.smallConfiguration

  func live(_ effects: Effects, relieve: () -> Void) throws {
    guard
      let database = opened({
        try Database(at: "/db", configuration: Self.configuration, effects: effects)
      })
    else { return relieve() }
    defer { note { try database.close() } }
    var keys: Keyspace?
    note { keys = try database.keyspace("k") }
    if let keys {
      let writers = (0..<2).map { writer in
        effects.background.start("writer \(writer)") { [self] in
          for turn in 0..<9 where !isFinal { merge(writer * 100 + turn, database, keys) }
        }
      }
      for writer in writers { writer.join() }
      note { try database.checkpoint() }
    }
    relieve()
    if isFinal { return }
    let resumed = try database.keyspace("k")
    merge(1_000, database, resumed)
    // A checkpoint may have met the end of the device; whoever writes next is told.
    if isFinal { return }
    guard acknowledged.contains(1_000) else {
      throw CrashSession.Violation(description: "merges do not go on: \(refusals)")
    }
    try look(at: database, resumed)
  }

  private func merge(_ number: Int, _ database: Database, _ keys: Keyspace) {
    let refusal = note {
      try database.write { tx in
        try tx.merge(.add(1), for: "count", in: keys)
        try tx.merge(.insert("\(number)"), for: "set", in: keys)
        try tx.merge(.append("\(number),"), for: "text", in: keys)
        try tx.merge(.max(number), for: "most", in: keys)
        try tx.set([UInt8](repeating: 1, count: 6_000), for: "filler \(number % 5)", in: keys)
      }
      acknowledged.insert(number)
    }
    if refusal?.code == .commitUnknown { unknown.insert(number) }
  }

  func check(_ effects: Effects) throws {
    let database = try Database(at: "/db", configuration: Self.configuration, effects: effects)
    defer { try? database.close() }
    guard let keys = try database.existingKeyspace("k") else {
      guard acknowledged.isEmpty else {
        throw CrashSession.Violation(description: "\(acknowledged.count) acknowledged, no keyspace")
      }
      return
    }
    try look(at: database, keys)
    try database.write { tx in
      try tx.merge(.add(1), for: "count", in: keys)
      try tx.merge(.insert("later"), for: "set", in: keys)
      try tx.merge(.append("later,"), for: "text", in: keys)
    }
    acknowledged.insert(Self.later)
    try look(at: database, keys)
    acknowledged.remove(Self.later)
    if let finding = try database.verify().findings.first {
      throw CrashSession.Violation(description: "\(finding)")
    }
  }

  private static let later = -1

  private func look(at database: Database, _ keys: Keyspace) throws {
    let (count, set, text) = try database.read { snapshot in
      (
        try snapshot.value(for: "count", in: keys, as: Int.self) ?? 0,
        try snapshot.value(for: "set", in: keys, as: ByteSet.self)?.elements ?? [],
        try snapshot.value(for: "text", in: keys, as: String.self) ?? ""
      )
    }
    let members = set.map { Int(String(decoding: $0, as: UTF8.self)) ?? Self.later }
    let lines = text.split(separator: ",").map { Int($0) ?? Self.later }
    guard count == members.count, lines.count == count, Set(lines) == Set(members) else {
      throw CrashSession.Violation(
        description: "counted \(count), in the set \(members), in the text \(lines)")
    }
    let found = Set(members)
    guard acknowledged.isSubset(of: found), found.isSubset(of: acknowledged.union(unknown)) else {
      throw CrashSession.Violation(
        description: "found \(found.sorted()), acknowledged \(acknowledged.sorted()), "
          + "unknown \(unknown.sorted())")
    }
  }
}
