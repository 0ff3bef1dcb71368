internal import Environment
internal import Martlet

/// One committing thread of a tortured process.
final class RealThread {
  private let number: Int
  private let database: Database
  private var keyspaces: [String: Keyspace]
  private let options: RealWriter.Options
  private let channel: RealWriter.Channel
  private let effects: Effects

  init(
    number: Int, database: Database, keyspaces: [String: Keyspace], options: RealWriter.Options,
    channel: RealWriter.Channel, effects: Effects
  ) {
    self.number = number
    self.database = database
    self.keyspaces = keyspaces
    self.options = options
    self.channel = channel
    self.effects = effects
  }

  /// Makes step after step, the same again when it was refused, until the process ends or the
  /// limit is reached.
  func run(from first: UInt64) {
    var step = first
    let end = options.stepLimit.map { first + $0 } ?? .max
    while step < end {
      channel.send(RealRecord(.attempt, thread: number, number: step))
      do {
        channel.send(try perform(step))
        step += 1
      } catch let error as DatabaseError where error.isRetryable || error.code == .diskFull {
        channel.send(RealRecord(.refused, thread: number, number: step, text: error.code.name))
        if !canStillRead() { return }
        rest()
      } catch {
        return channel.send(
          RealRecord(.complaint, text: "thread \(number), step \(step): \(error)"))
      }
    }
  }

  private func perform(_ number: UInt64) throws -> RealRecord {
    let workload = options.workload
    switch workload.step(thread: self.number, number: number, life: options.life) {
    case .create(let name):
      keyspaces[name] = try database.keyspace(name)
      return acknowledgement(number, isDurable: workload.grade != .relaxed)
    case .drop(let name):
      try database.dropKeyspace(name)
      keyspaces[name] = nil
      return acknowledgement(number, isDurable: workload.grade != .relaxed)
    case .commit(let transaction):
      let timestamp = try commit(transaction)
      // A checkpoint makes durable what came before it.
      let isInCheckpoint = try transaction.isFollowedByCheckpoint && checkpoint()
      return acknowledgement(
        number, isDurable: !transaction.isRelaxed || isInCheckpoint, timestamp)
    }
  }

  private func acknowledgement(
    _ number: UInt64, isDurable: Bool, _ timestamp: UInt64 = 0
  ) -> RealRecord {
    RealRecord(
      .acknowledged, thread: self.number, isDurable: isDurable, number: number,
      timestamp: timestamp, figure: effects.time.monotonic())
  }

  private func commit(_ content: RealTransaction) throws -> UInt64 {
    var writes = content.writes + content.registers
    if options.lie == .halfTransactions, writes.count > 5 { writes.removeLast() }
    let isRelaxed = content.isRelaxed || options.lie == .earlyAcknowledgements
    let committed = try database.transact(
      durability: isRelaxed ? .relaxed : .full
    ) { transaction in
      for write in writes {
        let keyspace = try keyspace(write.keyspace)
        guard let value = write.value else {
          try transaction.remove(write.key, in: keyspace)
          continue
        }
        let bytes = value.bytes
        if bytes.count > 20_000 {
          try transaction.setLarge(byteCount: bytes.count, for: write.key, in: keyspace) { writer in
            try writer.append(bytes)
          }
        } else {
          try transaction.set(bytes, for: write.key, in: keyspace)
        }
      }
      for increment in content.increments {
        let counters = try keyspace(RealWorkload.counterKeyspace)
        let totals = try keyspace(RealWorkload.totalKeyspace)
        let key = RealWorkload.counterKey(increment.counter)
        let counter = try transaction.value(for: key, in: counters, as: Int.self) ?? 0
        try transaction.set(counter + increment.amount, for: key, in: counters)
        let total = try transaction.value(for: RealWorkload.totalKey, in: totals, as: Int.self) ?? 0
        try transaction.set(total + increment.amount, for: RealWorkload.totalKey, in: totals)
      }
    }
    guard let timestamp = committed.timestamp else {
      throw CrashSession.Violation(description: "a commit that wrote has no timestamp")
    }
    return timestamp.rawValue
  }

  /// Whether a checkpoint was taken: it may find the disk full, and then the one before stays.
  private func checkpoint() throws -> Bool {
    do {
      try database.checkpoint()
      return true
    } catch let error as DatabaseError where error.code == .diskFull {
      return false
    }
  }

  private func keyspace(_ name: String) throws -> Keyspace {
    if let known = keyspaces[name] { return known }
    guard let found = try database.existingKeyspace(name) else {
      throw CrashSession.Violation(description: "keyspace \(name) is not there")
    }
    keyspaces[name] = found
    return found
  }

  /// Whatever refused a commit, reads go on.
  private func canStillRead() -> Bool {
    do {
      try database.read { snapshot in
        _ = try snapshot.get(
          RealWorkload.progressKey(number), in: try keyspace(RealWorkload.progressKeyspace))
      }
      return true
    } catch {
      channel.send(RealRecord(.complaint, text: "reading after a refused commit: \(error)"))
      return false
    }
  }

  private func rest() {
    _ = effects.waits.park(
      effects.waits.makeTicket(), until: effects.time.monotonic() + 10_000_000)
  }
}
