import Foundation
import Martlet
import Testing

/// Changes that depend on what is there: atomic at every level and under every protocol.
@Suite struct `A conditional change` {
  static let disciplines: [Discipline] =
    IsolationLevel.allCases.map { Discipline($0) } + Discipline.serializable

  @Test(arguments: disciplines)
  func `increments from many threads lose nothing`(_ discipline: Discipline) throws {
    let stage = try Stage()
    let db = stage.db
    let keys = stage.keys
    let threads = (0..<4).map { _ in
      Background {
        for _ in 0..<50 {
          try db.write(isolation: discipline.isolation, using: discipline.using) { tx in
            try tx.increment("x", in: keys)
          }
        }
      }
    }
    for thread in threads { try thread.join() }
    #expect(try stage.value("x") == 200, "\(discipline)")
  }

  @Test(arguments: disciplines)
  func `of many that insert an absent key one succeeds`(_ discipline: Discipline) throws {
    let stage = try Stage()
    let db = stage.db
    let keys = stage.keys
    let threads = (0..<4).map { number in
      Background {
        try db.write(isolation: discipline.isolation, using: discipline.using) { tx in
          if try tx.insert(number, for: "once", in: keys) {
            try tx.increment("x", in: keys)
          }
        }
      }
    }
    for thread in threads { try thread.join() }
    #expect(try stage.value("x") == 1, "\(discipline)")
  }

  @Test func `compares and sets, absent keys included`() throws {
    let stage = try Stage()
    let keys = stage.keys
    try stage.db.write { (tx: borrowing Transaction) throws in
      #expect(try tx.compareAndSet("x", from: 0, to: 1, in: keys) == true)
      #expect(try tx.compareAndSet("x", from: 0, to: 2, in: keys) == false)
      #expect(try tx.compareAndSet("new", from: nil, to: 3, in: keys) == true)
      #expect(try tx.compareAndSet("new", from: nil, to: 4, in: keys) == false)
      #expect(try tx.compareAndSet("y", from: 0, to: Int?.none, in: keys) == true)
    }
    #expect(try stage.value("x") == 1)
    #expect(try stage.value("new") == 3)
    #expect(try stage.value("y") == nil)
  }

  @Test func `sets by version, and versions are those of commits`() throws {
    let stage = try Stage()
    let keys = stage.keys
    let committed = try stage.db.transact { try $0.set(5, for: "x", in: keys) }
    let version = try stage.db.write { try $0.version(of: "x", in: keys) }
    #expect(version == committed.timestamp)
    try stage.db.write { (tx: borrowing Transaction) throws in
      #expect(try tx.set(6, for: "x", ifVersion: nil, in: keys) == false)
      #expect(try tx.set(6, for: "x", ifVersion: version, in: keys) == true)
      #expect(try tx.version(of: "x", in: keys) == nil, "its own write has none yet")
      #expect(try tx.set(7, for: "x", ifVersion: nil, in: keys) == false)
      #expect(try tx.set(8, for: "new", ifVersion: nil, in: keys) == true)
    }
    try stage.db.write { (tx: borrowing Transaction) throws in
      #expect(try tx.set(9, for: "x", ifVersion: version, in: keys) == false, "an older version")
    }
    #expect(try stage.value("x") == 6)
    #expect(try stage.value("new") == 8)
  }

  @Test func `sets once, and says so the second time without undoing anything`() throws {
    let stage = try Stage()
    try stage.db.write { tx in
      try tx.set(1, for: "x", in: stage.keys)
      try tx.setOnce(1, for: "name", in: stage.keys)
      let error = stage.error { try tx.setOnce(2, for: "name", in: stage.keys) }
      #expect(error?.code == .keyExists)
      #expect(error?.message.contains("\"name\"") == true)
    }
    #expect(try stage.value("name") == 1)
    #expect(try stage.value("x") == 1)
  }

  @Test func `does nothing when the sum leaves 64 bits, or the value is no integer`() throws {
    let stage = try Stage()
    try stage.db.write { tx in
      try tx.set(Int.max, for: "x", in: stage.keys)
      try tx.set("text", for: "y", in: stage.keys)
      #expect(stage.code { try tx.increment("x", in: stage.keys) } == .invalidArgument)
      #expect(stage.code { try tx.increment("y", in: stage.keys) } == .valueMismatch)
      #expect(try tx.increment("z", by: -3, in: stage.keys) == -3)
    }
    #expect(try stage.value("x") == Int.max)
  }
}
