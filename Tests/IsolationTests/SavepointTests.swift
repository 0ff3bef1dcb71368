import Martlet
import Seeds
import Testing

/// Savepoints: writes are undone to a moment, and nothing else is.
@Suite struct `A savepoint` {
  let stage: Stage

  init() throws { stage = try Stage() }

  @Test func `undoes what was written since, new keys, removals and large values alike`() throws {
    let large = [UInt8](repeating: 7, count: 100_000)
    try stage.db.write { tx in
      try tx.set(1, for: "x", in: stage.keys)
      let savepoint = try tx.savepoint()
      try tx.set(2, for: "x", in: stage.keys)
      try tx.remove("y", in: stage.keys)
      try tx.set(large, for: "large", in: stage.keys)
      try tx.set(3, for: "a", in: stage.keys)
      try tx.rollBack(to: savepoint)
      #expect(try tx.value(for: "x", in: stage.keys, as: Int.self) == 1)
      #expect(try tx.value(for: "y", in: stage.keys, as: Int.self) == 0)
      #expect(try tx.contains("large", in: stage.keys) == false)
      try tx.set(large.reversed(), for: "other", in: stage.keys)
    }
    #expect(try stage.value("x") == 1)
    #expect(try stage.value("y") == 0)
    #expect(try stage.value("a") == nil)
    #expect(try stage.db.read { try $0.byteCount(of: "other", in: stage.keys) } == 100_000)
    #expect(try stage.db.read { try $0.contains("large", in: stage.keys) } == false)
    #expect(try stage.db.verify().findings.isEmpty)
  }

  @Test func `nests, and stays to be rolled back to again`() throws {
    try stage.db.write { tx in
      let outer = try tx.savepoint()
      try tx.set(1, for: "x", in: stage.keys)
      let inner = try tx.savepoint()
      try tx.set(2, for: "x", in: stage.keys)
      try tx.rollBack(to: inner)
      #expect(try tx.value(for: "x", in: stage.keys, as: Int.self) == 1)
      try tx.set(3, for: "x", in: stage.keys)
      try tx.rollBack(to: inner)
      #expect(try tx.value(for: "x", in: stage.keys, as: Int.self) == 1)
      try tx.rollBack(to: outer)
      #expect(try tx.value(for: "x", in: stage.keys, as: Int.self) == 0)
      let error = stage.error { try tx.rollBack(to: inner) }
      #expect(error?.code == .invalidArgument, "given up by rolling back behind it")
      let again = try tx.savepoint()
      #expect(stage.code { try tx.rollBack(to: inner) } == .invalidArgument)
      try tx.rollBack(to: again)
      try tx.set(4, for: "y", in: stage.keys)
    }
    #expect(try stage.value("x") == 0)
    #expect(try stage.value("y") == 4)
  }

  @Test func `of another transaction is refused`() throws {
    let other = try stage.open(.snapshot)
    let foreign = try other.run { try $0.savepoint() }
    try stage.db.write { tx in
      #expect(stage.code { try tx.rollBack(to: foreign) } == .invalidArgument)
      try tx.set(1, for: "x", in: stage.keys)
    }
    #expect(try stage.value("x") == 1)
    other.rollback()
  }

  @Test func `a part that throws is undone alone`() throws {
    struct Stop: Error {}
    try stage.db.write { tx in
      try tx.set(1, for: "x", in: stage.keys)
      #expect(throws: Stop.self) {
        try tx.part { tx in
          try tx.set(2, for: "x", in: stage.keys)
          throw Stop()
        }
      }
      try tx.part { tx in try tx.set(3, for: "y", in: stage.keys) }
    }
    #expect(try stage.value("x") == 1)
    #expect(try stage.value("y") == 3)
  }

  @Test func `keeps its locks when it is rolled back to`() throws {
    let transaction = try stage.open(.readCommitted)
    try transaction.run { tx in
      let savepoint = try tx.savepoint()
      try tx.set(1, for: "x", in: stage.keys)
      try tx.rollBack(to: savepoint)
    }
    let other = try stage.open(.readCommitted)
    #expect(stage.code { try stage.set("x", 2, other) } == .lockTimeout)
    other.rollback()
    #expect(try transaction.commit() == nil, "nothing was written")
  }

  @Test func `takes any path through a random write set as a list of states would`() throws {
    let seed = Seed.take()
    print("savepoints: MARTLET_SEED=\(seed)")
    var generator = SplitMix(seed)
    for _ in 0..<200 {
      try stage.db.write { tx in
        var states: [(savepoint: Savepoint, state: [String: Int])] = []
        var state: [String: Int] = [:]
        for name in ["x", "y", "a", "b", "c"] {
          try tx.set(0, for: name, in: stage.keys); state[name] = 0
        }
        for step in 0..<40 {
          let name = ["x", "y", "a", "b", "c"][Int.random(in: 0..<5, using: &generator)]
          switch Int.random(in: 0..<6, using: &generator) {
          case 0: states.append((try tx.savepoint(), state))
          case 1 where !states.isEmpty:
            let index = Int.random(in: 0..<states.count, using: &generator)
            try tx.rollBack(to: states[index].savepoint)
            state = states[index].state
            states.removeLast(states.count - index - 1)
          case 2:
            try tx.remove(name, in: stage.keys)
            state[name] = nil
          default:
            try tx.set(step, for: name, in: stage.keys)
            state[name] = step
          }
          for name in ["x", "y", "a", "b", "c"] {
            try #require(
              try tx.value(for: name, in: stage.keys, as: Int.self) == state[name], "seed \(seed)")
          }
        }
      }
    }
  }
}
