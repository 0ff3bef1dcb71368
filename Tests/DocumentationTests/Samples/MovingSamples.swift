import Foundation
import Martlet
import Testing

@Suite(.ownFolder) struct MovingSamples {
  // sample: MovingToMartlet
  struct Player: Codable, Identifiable, Sendable, Equatable {
    var id: UUID
    var name: String
    var team: String
    var score: Int

    static let byName = RecordIndex("name", on: \Player.name, isUnique: true)
    static let byTeam = RecordIndex("team", on: \Player.team, \Player.score)
    static let all = RecordCollection("players", of: Player.self, indexes: byName, byTeam)
  }
  // end sample

  private let player = Player(id: UUID(), name: "Al", team: "red", score: 3)
  private let rival = Player(id: UUID(), name: "Bo", team: "red", score: 0)

  private func database() throws -> Database {
    let db = try Database.inMemory()
    try db.open(Schema(Player.all))
    try db.insert(rival, into: Player.all)
    return db
  }

  @Test func `what GRDB does`() throws {
    let db = try database()
    // sample: MovingToMartlet
    try db.write { tx in
      try tx.insert(player, into: Player.all)
      if let rival = try tx.first(Player.all.where(Player.byName.equals("Bo"))) {
        try tx.update(rival.id, in: Player.all) { $0.score += 1 }
      }
    }
    let red = Player.all.where(Player.byTeam.starts(with: "red"))
    let best = try db.fetch(red.reversed().limit(10))
    // end sample
    #expect(best.map(\.name) == ["Al", "Bo"])
    #expect(best.last?.score == 1)
    try db.update(rival.id, in: Player.all) { $0.score = 0 }
    // sample: MovingToMartlet
    let beginners = try db.fetch(Player.all).filter { $0.score == 0 }
    // end sample
    #expect(beginners.map(\.name) == ["Bo"])
  }

  @Test func `observations go on after errors`() async throws {
    let db = try database()
    let shown = Output<[Player]>()
    func show(_ players: [Player]) { shown.append(players) }
    func log(_ error: any Error) { Issue.record(error) }
    let observation = Task {
      // sample: MovingToMartlet
      let values = db.observe { snapshot in
        try snapshot.fetch(Player.all.where(Player.byTeam.starts(with: "red")))
      }
      for await result in values.results {
        switch result {
        case .success(let players): show(players)
        case .failure(let error): log(error)  // And it goes on.
        }
      }
      // end sample
    }
    while shown.isEmpty { await Task.yield() }
    observation.cancel()
    await observation.value
    #expect(shown.lines.first == [rival])
  }

  @Test func `data is brought in batches`() throws {
    // sample: MovingToMartlet
    func bring(_ players: some Sequence<Player>, into db: Database) throws {
      var batch: [Player] = []
      func write() throws {
        try db.write(durability: .relaxed) { tx in
          for player in batch { try tx.put(player, in: Player.all) }
        }
        batch.removeAll()
      }
      for player in players {
        batch.append(player)
        if batch.count == 1_000 { try write() }
      }
      try write()
      try db.checkpoint()  // What was relaxed is in the data file when this returns.
    }
    // end sample
    let db = try database()
    let players = (0..<2_500).map { number in
      Player(id: UUID(), name: "player \(number)", team: "blue", score: number)
    }
    try bring(players, into: db)
    try bring(players, into: db)
    #expect(try db.count(Player.all.all) == 2_501)
    let best = try db.first(Player.all.where(Player.byTeam.starts(with: "blue")).reversed())
    #expect(best == players.last)
  }

  @Test func `what Realm does`() throws {
    let db = try database()
    // sample: MovingToMartlet
    try db.put(player, in: Player.all)
    let reds = try db.fetch(Player.all.where(Player.byTeam.starts(with: "red")))
    try db.update(player.id, in: Player.all) { $0.score += 1 }
    // end sample
    #expect(reds.map(\.name) == ["Bo", "Al"])
    #expect(try db.get(player.id, in: Player.all)?.score == 4)
  }

  @Test func `what LMDB does`() throws {
    var output: [String] = []
    func print(_ key: String, _ value: String) { output.append("\(key) \(value)") }
    // sample: MovingToMartlet
    let db = try Database(at: "data.martlet")
    let events = try db.keyspace("events")
    try db.write { tx in
      try tx.set("started", for: "2026-03-01", in: events)
      try tx.forEach(in: events, .from("2026-03-01")) { key, value in
        print(String(valueBytes: key) ?? "?", String(valueBytes: value) ?? "?")
        return .continue
      }
    }
    // end sample
    #expect(output == ["2026-03-01 started"])
  }
}
