import Environment
import Martlet
import Simulation
import Testing

/// Records that expire, and their entries with them.
@Suite struct `A collection whose records expire` {
  struct Session: Codable, Identifiable, Sendable, Equatable {
    var id: Int
    var user: String
    var token: String
  }

  static let byUser = RecordIndex("user", on: { (session: Session) in session.user })
  static let byToken = RecordIndex(
    "token", on: { (session: Session) in session.token }, isUnique: true)
  static let options = KeyspaceOptions(timeToLive: .seconds(10))
  static let bare = RecordCollection("sessions", of: Session.self, options: options)
  static let all = RecordCollection(
    "sessions", of: Session.self, options: options, indexes: byUser, byToken)

  private static func nap(_ effects: Effects, _ seconds: UInt64) {
    _ = effects.waits.park(
      effects.waits.makeTicket(), until: effects.time.monotonic() + seconds * 1_000_000_000)
  }

  private func requireAgreement(_ db: Database, _ ids: [Int], _ users: [String]) throws {
    try db.read { snapshot in
      let records = try snapshot.fetch(Self.all).map(\.id)
      #expect(records == ids)
      let byUser = try snapshot.fetch(Self.all.where(Self.byUser.all)).map(\.id).sorted()
      #expect(byUser == ids)
      let byToken = try snapshot.fetch(Self.all.where(Self.byToken.all)).map(\.id).sorted()
      #expect(byToken == ids)
      for user in users {
        _ = try snapshot.fetch(Self.all.where(Self.byUser.equals(user)))
      }
    }
    #expect(try db.verify().findings == [])
  }

  /// The story: a migration in batches wrote each record as if it were new, for another time to live.
  @Test func `keeps the end of each through a migration in batches`() throws {
    try Simulator(seed: 4).run { effects in
      let db = try Database(at: "/db", configuration: Configuration(), effects: effects)
      defer { try? db.close() }
      try db.open(Self.all)
      try db.write { tx in
        for id in 1...2 {
          try tx.put(Session(id: id, user: "u\(id)", token: "t\(id)"), in: Self.all)
        }
        let records = try db.keyspace(of: Self.all).bypassingCollection
        try tx.touch(KeyTuple(2), in: records, expires: .never)
      }
      Self.nap(effects, 6)
      let renaming = Migration("rename", rewriting: Self.all, from: Self.all) { old in
        var session = old
        session.user += "!"
        return session
      }
      try db.open(Schema(Self.all, migrations: [renaming]))
      try requireAgreement(db, [1, 2], ["u1!"])
      Self.nap(effects, 6)
      try requireAgreement(db, [2], ["u2!"])
    }
  }

  @Test func `loses its entries with its records, and keeps those of a record put again`() throws {
    try Simulator(seed: 3).run { effects in
      let db = try Database(at: "/db", configuration: Configuration(), effects: effects)
      defer { try? db.close() }
      try db.open(Self.all)
      let first = Session(id: 1, user: "anna", token: "a")
      try db.write { try $0.put(first, in: Self.all) }
      Self.nap(effects, 6)
      try db.write { tx in
        try tx.put(first, in: Self.all)
        try tx.put(Session(id: 2, user: "bert", token: "b"), in: Self.all)
      }
      Self.nap(effects, 6)
      try requireAgreement(db, [1, 2], ["anna", "bert"])
      Self.nap(effects, 6)
      try requireAgreement(db, [], ["anna", "bert"])
      try db.write { try $0.insert(Session(id: 3, user: "carl", token: "a"), into: Self.all) }
      try requireAgreement(db, [3], ["anna", "carl"])
    }
  }

  @Test func `has entries that expire with their records in an index that is built later`() throws {
    try Simulator(seed: 4).run { effects in
      let db = try Database(at: "/db", configuration: Configuration(), effects: effects)
      defer { try? db.close() }
      try db.open(Self.bare)
      try db.write { try $0.put(Session(id: 1, user: "anna", token: "a"), in: Self.bare) }
      Self.nap(effects, 3)
      try db.open(Self.all)
      try requireAgreement(db, [1], ["anna"])
      Self.nap(effects, 8)
      try requireAgreement(db, [], ["anna"])
    }
  }

  /// Each rewrites the tokens of all sessions, and adds one.
  static let rewritings = [
    Migration("rewritten", rewriting: all, from: all) { session in
      var session = session
      session.token += "!"
      return session
    },
    Migration("put", { try rewrite($0) { try $0.put($1, in: all) } }),
    Migration(
      "updated",
      { try rewrite($0) { tx, session in try tx.update(session.id, in: all) { $0 = session } } }),
  ]

  private static func rewrite(
    _ transaction: borrowing Transaction, _ write: (borrowing Transaction, Session) throws -> Void
  ) throws {
    for var session in try transaction.fetch(all) {
      session.token += "!"
      try write(transaction, session)
    }
    try transaction.put(Session(id: 9, user: "ines", token: "i"), in: all)
  }

  @Test(arguments: rewritings.indices)
  func `is migrated without a longer life for what was there`(_ ordinal: Int) throws {
    try Simulator(seed: 5).run { effects in
      let db = try Database(at: "/db", configuration: Configuration(), effects: effects)
      defer { try? db.close() }
      try db.open(Self.all)
      try db.write { tx in
        try tx.put(Session(id: 1, user: "anna", token: "a"), in: Self.all)
        try tx.put(Session(id: 2, user: "bert", token: "b"), in: Self.all)
      }
      Self.nap(effects, 6)
      try db.open(Schema(Self.all, migrations: [Self.rewritings[ordinal]]))
      #expect(try db.get(1, in: Self.all)?.token == "a!")
      let added = ordinal == 0 ? [] : [9]
      try requireAgreement(db, [1, 2] + added, ["anna", "bert", "ines"])
      Self.nap(effects, 6)
      try requireAgreement(db, added, ["anna", "bert", "ines"])
    }
  }
}
