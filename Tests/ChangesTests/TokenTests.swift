import Environment
import Foundation
import Martlet
import Simulation
import Testing

@Suite struct `A change token` {
  private func write(_ db: Database, _ value: String) throws {
    let keys = try db.keyspace("k")
    try db.write { try $0.set(value, for: "key", in: keys) }
  }

  @Test func `is the same after coding, as text and as a value of the database`() throws {
    let db = try Database.inMemory()
    try write(db, "1")
    let token = try db.changeToken()
    let json = try JSONDecoder().decode([ChangeToken].self, from: JSONEncoder().encode([token]))
    #expect(json == [token])
    #expect(ChangeToken(token.description) == token)
    let keys = try db.keyspace("state")
    try db.write { try $0.set(token, for: "token", in: keys) }
    let stored = try db.read { try $0.value(for: "token", in: keys, as: ChangeToken.self) }
    #expect(stored == token)
  }

  @Test func `with any byte changed is none`() throws {
    let db = try Database.inMemory()
    let text = Array(try db.changeToken().description)
    for index in text.indices {
      var changed = text
      changed[index] = changed[index] == "0" ? "1" : "0"
      #expect(ChangeToken(String(changed)) == nil)
    }
    #expect(ChangeToken("") == nil)
    #expect(ChangeToken(String(text).uppercased() + "00") == nil)
  }

  @Test func `of another database is refused`() throws {
    let (one, other) = (try Database.inMemory(), try Database.inMemory())
    let token = try one.changeToken()
    let error = #expect(throws: DatabaseError.self) { _ = try other.changes(from: token) }
    #expect(error?.code == .wrongDatabase)
    let keys = try one.keyspace("k")
    let second = #expect(throws: DatabaseError.self) { _ = try other.changes(in: [keys]) }
    #expect(second?.code == .wrongDatabase)
  }

  @Test func `from before an older copy took the place of the database has lost its position`()
    throws
  {
    let simulator = Simulator(seed: 1)
    var older: DiskImage?
    var tokens: [ChangeToken] = []
    try simulator.run { effects in
      var db = try FeedWorld.open(effects)
      try write(db, "common")
      try db.close()
      older = simulator.disk.snapshot
      db = try FeedWorld.open(effects)
      for number in 0..<30 {
        try write(db, "one future \(number)")
        tokens.append(try db.changeToken())
      }
      try db.close()
    }
    let image = try #require(older)
    try Simulator(seed: 2, disk: image).run { effects in
      let db = try FeedWorld.open(effects)
      // Now as long as half of the other future, whose positions are the same.
      for number in 0..<15 { try write(db, "another future \(number)") }
      for token in tokens {
        let error = #expect(throws: DatabaseError.self) {
          try ChangeReader(db, from: token).pollAll()
        }
        #expect(error?.code == .positionLost)
      }
      try db.close()
    }
  }
}
