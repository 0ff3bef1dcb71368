import Foundation
import Martlet
import Primitives
import Testing

/// What an expired entry is: absent.
@Suite struct `An entry that has expired` {
  let world: SteeredDatabase
  var db: Database { world.db }
  var keys: Keyspace { world.keys }
  var time: SteeredTime { world.time }

  init() throws { world = try SteeredDatabase() }

  private func put(_ key: String, _ value: String, _ seconds: Int) throws {
    try db.write { try $0.set(value, for: key, in: keys, expires: .after(.seconds(seconds))) }
  }

  @Test func `is absent to reads, scans, counts and its own questions`() throws {
    try put("a", "1", 10)
    try put("b", "2", 20)
    try db.write { try $0.set("3", for: "c", in: keys) }
    #expect(try world.names() == ["a", "b", "c"])
    time.pass(10)
    #expect(try world.value("a") == nil, "at the very moment it has expired")
    #expect(try world.value("b") == "2")
    #expect(try world.names() == ["b", "c"])
    try db.read { snapshot in
      #expect(try snapshot.contains("a", in: keys) == false)
      #expect(try snapshot.byteCount(of: "b", in: keys) == 1, "the expiry is no part of the value")
      #expect(try snapshot.read("a", in: keys, offset: 0, count: 1) == nil)
      #expect(try snapshot.timestamp(of: "a", in: keys) == nil)
      #expect(try snapshot.expiry(of: "a", in: keys) == nil)
      #expect(try snapshot.expiry(of: "c", in: keys) == Expiry.never)
      let left = try #require(try snapshot.expiry(of: "b", in: keys)?.moment)
      #expect(left.nanosecondsSince1970 == time.wallClock() + 10_000_000_000)
    }
    time.pass(10)
    #expect(try world.names() == ["c"])
  }

  @Test(arguments: IsolationLevel.allCases)
  func `is absent to transactions of every level and to their conditional writes`(
    _ level: IsolationLevel
  ) throws {
    try put("a", "1", 10)
    try put("b", "old", 10)
    try put("n", "x", 10)
    time.pass(11)
    try db.write(isolation: level) { tx in
      #expect(try tx.value(for: "a", in: keys, as: String.self) == nil)
      #expect(try tx.version(of: "a", in: keys) == nil)
      #expect(try tx.expiry(of: "a", in: keys) == nil)
      #expect(try tx.compareAndSet("a", from: "1", to: "2", in: keys) == false)
      #expect(try tx.compareAndSet("a", from: String?.none, to: "2", in: keys))
      #expect(try tx.insert("new", for: "b", in: keys))
      #expect(try tx.touch("n", in: keys, expires: .never) == false)
      var seen: [String] = []
      try tx.forEach(in: keys) { key, _ in
        seen.append(String(valueBytes: key) ?? "?")
        return .continue
      }
      #expect(seen == ["a", "b"])
    }
    #expect(try world.value("a") == "2")
    #expect(try world.value("b") == "new")
    time.pass(1000)
    #expect(try world.names() == ["a", "b"], "what is set without an expiry has none")
  }

  @Test func `stays there for whoever saw it: a snapshot does not change its mind`() throws {
    try put("a", "1", 10)
    try db.read { snapshot in
      let answer1 = try snapshot.value(for: "a", in: keys, as: String.self) == "1"
      #expect(answer1)
      time.pass(100)
      let answer2 = try snapshot.value(for: "a", in: keys, as: String.self) == "1"
      #expect(answer2)
      let answer3 = try world.value("a")
      #expect(answer3 == nil, "for a younger one it is gone")
    }
    try put("b", "1", 10)
    for level in IsolationLevel.allCases {
      try put("b", "1", 10)
      try db.write(isolation: level) { tx in
        try tx.set("other", for: "c", in: keys)
        time.pass(100)
        // Statements that read the newest state judge by the transaction's begin, too.
        #expect(try tx.value(for: "b", in: keys, as: String.self) == "1", "\(level)")
        var seen = 0
        try tx.forEach(in: keys) { _, _ in
          seen += 1
          return .continue
        }
        #expect(seen == 2, "\(level)")
      }
    }
  }

  @Test func `is there in older snapshots whatever has replaced it`() throws {
    try put("a", "short", 10)
    try db.read { snapshot in
      try put("a", "long", 1000)
      try db.write { try $0.remove("a", in: keys) }
      #expect(try snapshot.value(for: "a", in: keys, as: String.self) == "short")
      let moment = try snapshot.expiry(of: "a", in: keys)?.moment
      #expect(moment?.nanosecondsSince1970 == time.wallClock() + 10_000_000_000)
    }
    try put("a", "expired", 10)
    time.pass(11)
    try db.read { snapshot in
      try put("a", "newer", 10)
      #expect(try snapshot.value(for: "a", in: keys, as: String.self) == nil)
      #expect(try snapshot.contains("a", in: keys) == false)
    }
  }

  /// The lead of the wall clock over the steady one was taken from two readings, the steady one first:
  /// a thread that was kept waiting in between took it for more than it is, for the rest of the process,
  /// and everything expired that much too early. The torture saw moments that no clock had reached.
  @Test func `does not expire early when whoever reads the clocks is kept waiting between them`()
    throws
  {
    try put("a", "1", 10_000)
    time.keepReadersWaiting(seconds: 100)
    _ = try world.value("a")
    time.keepReadersWaiting(seconds: 0)
    try put("b", "2", 60)
    let moment = try db.read { try $0.expiry(of: "b", in: keys)?.moment }
    #expect(moment?.nanosecondsSince1970 == time.wallClock() + 60_000_000_000)
  }

  @Test func `is not brought back by a clock that is set back`() throws {
    try put("a", "1", 10)
    time.pass(11)
    #expect(try world.value("a") == nil)
    time.setWallClock(bySeconds: -3600)
    #expect(try world.value("a") == nil)
    try put("b", "1", 10)
    #expect(try world.value("b") == "1", "what is set now lives as long as it is to")
    time.pass(9)
    #expect(try world.value("b") == "1")
    time.pass(2)
    #expect(try world.value("b") == nil)
    time.setWallClock(bySeconds: 7200)
    try put("c", "1", 10)
    #expect(try world.value("c") == "1", "a clock that is set forward is followed")
    #expect(try db.read { try $0.expiry(of: "c", in: keys) }?.moment ?? time.now > time.now)
  }

  @Test func `may be prolonged before, and then lives on`() throws {
    try put("a", "value", 10)
    time.pass(9)
    #expect(try db.write { try $0.touch("a", in: keys, expires: .after(.seconds(10))) })
    time.pass(9)
    #expect(try world.value("a") == "value")
    #expect(try db.write { try $0.touch("a", in: keys, expires: .never) })
    time.pass(1000)
    #expect(try world.value("a") == "value")
    #expect(try db.write { try $0.touch("b", in: keys, expires: .never) } == false)
  }

  @Test func `may have been large`() throws {
    let large = [UInt8](repeating: 7, count: 300_000)
    try db.write { try $0.set(large, for: "a", in: keys, expires: .after(.seconds(10))) }
    try db.write { try $0.touch("a", in: keys, expires: .after(.seconds(20))) }
    time.pass(15)
    #expect(try db.read { try $0.get("a", in: keys) } == large)
    try db.write { tx in
      try tx.touch("a", in: keys, expires: .after(.seconds(10)))
      #expect(try tx.get("a", in: keys) == large, "its own")
    }
    var visited = 0
    try db.read {
      try $0.forEach(in: keys) { _, value in
        visited = value.byteCount; return .stop
      }
    }
    #expect(visited == large.count)
    time.pass(11)
    #expect(try db.read { try $0.get("a", in: keys) } == nil)
    #expect(try world.names() == [])
    // At the limit of a leaf the eight bytes more decide.
    for count in 4080...4100 {
      let edge = [UInt8](repeating: 1, count: count)
      try db.write { try $0.set(edge, for: "edge", in: keys, expires: .after(.seconds(10))) }
      #expect(try db.read { try $0.get("edge", in: keys) } == edge)
    }
    #expect(try db.verify().findings == [])
  }

  @Test func `is absent to the transaction that wrote it so, and to dirty readers`() throws {
    try db.write { tx in
      try tx.set("gone", for: "a", in: keys, expires: .at(WallTime(nanosecondsSince1970: 5)))
      #expect(try tx.get("a", in: keys) == nil)
      try tx.set("here", for: "b", in: keys, expires: .after(.seconds(5)))
      #expect(try tx.value(for: "b", in: keys, as: String.self) == "here")
      #expect(try tx.expiry(of: "b", in: keys)?.moment != nil)
      var seen: [String] = []
      try tx.forEach(in: keys) { key, _ in
        seen.append(String(valueBytes: key) ?? "?")
        return .continue
      }
      #expect(seen == ["b"])
      try db.write(isolation: .readUncommitted) { other in
        #expect(try other.get("a", in: keys) == nil)
        #expect(try other.value(for: "b", in: keys, as: String.self) == "here")
        var count = 0
        try other.forEach(in: keys) { _, _ in
          count += 1
          return .continue
        }
        #expect(count == 1)
      }
    }
  }

  @Test func `of a keyspace with a time to live expires by itself`() throws {
    let sessions = try db.keyspace(
      "sessions", options: KeyspaceOptions(timeToLive: .seconds(60)))
    try db.write { tx in
      try tx.set(1, for: "counter", in: sessions)
      try tx.set("for good", for: "pinned", in: sessions, expires: .never)
      try tx.setLarge(byteCount: 100_000, for: "large", in: sessions) {
        try $0.append([UInt8](repeating: 0, count: 100_000))
      }
    }
    time.pass(30)
    try db.write { try $0.increment("counter", in: sessions) }
    time.pass(31)
    try db.read { snapshot in
      let answer4 = try snapshot.get("counter", in: sessions)
      #expect(answer4 == nil, "an increment does not prolong")
      let answer5 = try snapshot.get("pinned", in: sessions)
      #expect(answer5 != nil)
      let answer6 = try snapshot.get("large", in: sessions)
      #expect(answer6 == nil)
    }
    #expect(try db.write { try $0.increment("counter", in: sessions) } == 1)
    time.pass(59)
    #expect(try db.read { try $0.value(for: "counter", in: sessions, as: Int.self) } == 1)
    #expect(try db.keyspace("sessions").options.timeToLive == .seconds(60))
    let error = #expect(throws: DatabaseError.self) {
      try db.keyspace("sessions", options: KeyspaceOptions(timeToLive: .seconds(61)))
    }
    #expect(error?.message.contains("expiring after \(Duration.seconds(60))") == true)
  }
}

/// Moments and dates.
@Suite struct `A moment of the wall clock` {
  @Test func `is that of its date, within what dates can tell`() {
    let date = Date(timeIntervalSince1970: 1_800_000_000.25)
    #expect(WallTime(date).nanosecondsSince1970 == 1_800_000_000_250_000_000)
    #expect(abs(WallTime(date).date.timeIntervalSince(date)) < 0.000_001)
    #expect(Expiry.at(date) == .at(WallTime(date)))
    #expect(WallTime(.distantPast).nanosecondsSince1970 == 0)
    #expect(WallTime(.distantFuture).nanosecondsSince1970 == .max)
    #expect(WallTime(Date(timeIntervalSince1970: .nan)).nanosecondsSince1970 == 0)
  }
}
