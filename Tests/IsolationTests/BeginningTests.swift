import Martlet
import Synchronization
import Testing

/// A begin between the steps of commits: who is to be certified must not miss one that is neither in
/// its snapshot nor in the conflict history (rule O2). What is wrong stops the process at an
/// invariant of the history.
@Suite(.serialized) struct `A transaction that begins beside commits` {
  /// Begins and ends certified transactions while another thread commits.
  private func race(_ stage: Stage, rounds: Int) throws {
    let db = stage.db
    let keys = stage.keys
    let isOver = Atomic<Bool>(false)
    let writer = Background {
      var number = 0
      while !isOver.load(ordering: .relaxed) {
        number += 1
        try db.write(isolation: .snapshot) { tx in
          for name in ["x", "y"] { try tx.set(number, for: name, in: keys) }
        }
      }
    }
    for round in 0..<rounds {
      let using: TransactionProtocol = round % 2 == 0 ? .optimistic : .serializableSnapshot
      let transaction = try stage.open(.serializable, using)
      if round % 16 == 0 {
        let x = try stage.get("x", transaction)
        #expect(try stage.get("y", transaction) == x)
      }
      transaction.rollback()
    }
    isOver.store(true, ordering: .relaxed)
    try writer.join()
  }

  @Test func `waits for those that were ordered before anybody was followed (O2, H1)`() throws {
    let stage = try Stage(configuration: Configuration(durability: .relaxed))
    try race(stage, rounds: 20_000)
  }

  @Test func `is followed before it takes its snapshot (O2)`() throws {
    let stage = try Stage(configuration: Configuration(durability: .relaxed))
    // Somebody is followed all the time, so nothing goes unrecorded.
    let bystander = try stage.open(.serializable, .serializableSnapshot)
    try race(stage, rounds: 25_000)
    bystander.rollback()
  }
}
