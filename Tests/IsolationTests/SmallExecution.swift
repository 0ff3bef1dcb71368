import Martlet

/// A level and, where there is a choice, a protocol.
struct Discipline: Hashable, Sendable, CustomStringConvertible {
  let isolation: IsolationLevel
  let using: TransactionProtocol?

  init(_ isolation: IsolationLevel, _ using: TransactionProtocol? = nil) {
    self.isolation = isolation
    self.using = using
  }

  var description: String { using.map { "\(isolation) by \($0)" } ?? "\(isolation)" }

  static let serializable: [Discipline] = TransactionProtocol.allCases.map {
    Discipline(.serializable, $0)
  }
}

/// What became of one transaction in one order.
struct SmallOutcome {
  /// Values seen, with the step at which they were seen; 0 is the state at the beginning, negative
  /// an absent key.
  var reads: [(operation: SmallOperation, value: Int)] = []
  /// When it committed; nil when it was rolled back. Zero when it wrote nothing.
  var timestamp: UInt64?
  var beganAt = 0
  var endedAt = 0
  var abort: DatabaseError.Code?
}

/// Takes small transactions through an order of their steps, on one thread. An operation that would
/// have to wait ends the order there: what follows then is another order's business, in which it
/// comes later.
struct SmallExecution {
  let database: Database
  let keyspace: Keyspace
  /// Orders taken to their end, and orders that ended in a wait.
  var finishedCount = 0
  var blockedCount = 0
  var aborts: [DatabaseError.Code: Int] = [:]

  init() throws {
    database = try Database.inMemory(configuration: Configuration(durability: .relaxed))
    keyspace = try database.keyspace("small")
  }

  /// Values are unique: the transaction's index and the position of the write in its program.
  static func value(_ transaction: Int, _ position: Int) -> Int {
    100 * (transaction + 1) + position
  }

  static let absent = -1
  static let initial = 0

  /// Nil when an operation would have had to wait. The final values are those of `x` and `y`.
  mutating func run(
    _ programs: [SmallProgram], _ disciplines: [Discipline], order: [UInt8]
  ) throws -> (outcomes: [SmallOutcome], final: [Int])? {
    try database.write { tx in
      try tx.set(Self.initial, for: SmallKey.x.bytes, in: keyspace)
      try tx.remove(SmallKey.y.bytes, in: keyspace)
    }
    var outcomes = Array(repeating: SmallOutcome(), count: programs.count)
    var open: [OpenTransaction?] = Array(repeating: nil, count: programs.count)
    var positions = Array(repeating: 0, count: programs.count)
    defer { for transaction in open { transaction?.rollback() } }
    for (moment, turn) in order.enumerated() {
      let index = Int(turn)
      if outcomes[index].abort != nil { continue }
      if positions[index] == 0 {
        outcomes[index].beganAt = moment
        open[index] = try database.open(
          isolation: disciplines[index].isolation, using: disciplines[index].using,
          lockTimeout: .zero)
      }
      guard let transaction = open[index] else { preconditionFailure("a step without begin") }
      let position = positions[index]
      positions[index] += 1
      do {
        if position == programs[index].operations.count {
          outcomes[index].endedAt = moment
          outcomes[index].timestamp = try transaction.commit()?.rawValue ?? 0
        } else {
          let operation = programs[index].operations[position]
          let value = try perform(operation, Self.value(index, position), in: transaction)
          if let value { outcomes[index].reads.append((operation, value)) }
        }
      } catch let error as DatabaseError where error.code == .lockTimeout {
        blockedCount += 1
        return nil
      } catch let error as DatabaseError where error.isRetryable {
        aborts[error.code, default: 0] += 1
        outcomes[index].abort = error.code
        if transaction.isOpen { transaction.rollback() }
      }
    }
    finishedCount += 1
    let final = try database.read { snapshot in
      try SmallKey.allCases.map { key in
        try snapshot.value(for: key.bytes, in: keyspace, as: Int.self) ?? Self.absent
      }
    }
    return (outcomes, final)
  }

  private func perform(_ operation: SmallOperation, _ value: Int, in transaction: OpenTransaction)
    throws -> Int?
  {
    try transaction.run { try Self.perform(operation, value, $0, keyspace) }
  }

  /// The value that was seen.
  static func perform(
    _ operation: SmallOperation, _ value: Int, _ tx: borrowing Transaction, _ keyspace: Keyspace
  ) throws -> Int? {
    switch operation {
    case .readX, .readY:
      return try tx.value(for: operation.key.bytes, in: keyspace, as: Int.self) ?? absent
    case .writeX, .writeY:
      try tx.set(value, for: operation.key.bytes, in: keyspace)
      return nil
    case .scan:
      var seen = absent
      try tx.forEach(in: keyspace, KeyBounds.range(from: [2] as [UInt8], to: [4] as [UInt8])) {
        _, bytes in
        seen = Int(valueBytes: bytes) ?? absent
        return .continue
      }
      return seen
    }
  }
}
