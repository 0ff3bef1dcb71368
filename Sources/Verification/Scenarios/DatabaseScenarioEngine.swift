internal import Martlet
internal import Primitives
internal import Synchronization

/// Scenarios on a real database: in memory, with one keyspace, and in it a stretch of keys for each
/// run, so that nothing of one run can meet another.
// SENDABLE: mutable state is in the Mutex; `Database` is Sendable.
final class DatabaseScenarioEngine: ScenarioEngine {
  private let database: Database
  private let keyspace: Keyspace
  /// The prefix of the run's keys.
  private let stretch = Mutex(0)

  /// Opens a database of its own.
  init() throws {
    var configuration = Configuration()
    configuration.cacheSize = 64 << 20
    configuration.durability = .relaxed
    configuration.lockTimeout = .seconds(10)
    database = try Database.inMemory(configuration: configuration)
    keyspace = try database.keyspace("scenario")
  }

  func load(_ rows: [ScenarioRow]) throws {
    stretch.withLock { $0 += 1 }
    try database.write { transaction in
      for row in rows { try transaction.set(row.value.bytes, for: key(row.key), in: keyspace) }
    }
  }

  func contents() throws -> [ScenarioRow] {
    try database.read { snapshot in
      try snapshot.scenarioRows(in: keyspace, bounds(nil, nil), nil, prefix.count)
    }
  }

  func transact(
    at setting: IsolationSetting,
    _ body: (UInt64, (ScenarioOperation) throws -> ScenarioResult) throws -> Void
  ) throws {
    var savepoints: [String: Savepoint] = [:]
    do {
      try database.write(
        isolation: setting.level.isolation, using: setting.concurrency?.using, retry: .never
      ) { (transaction: borrowing Transaction) in
        try body(transaction.id.rawValue) { operation in
          do {
            return try perform(operation, transaction, &savepoints)
          } catch let error as DatabaseError where error.endsScenarioTransaction {
            throw ScenarioAbort(code: error.code.name, message: error.message)
          } catch let error as DatabaseError {
            throw ScenarioRefusal(error.message)
          }
        }
      }
    } catch let error as DatabaseError {
      throw ScenarioAbort(code: error.code.name, message: error.message)
    }
  }

  var waiting: Set<UInt64> { Set(database.waitingTransactions.map(\.rawValue)) }

  // MARK: Keys

  private var prefix: String { "\(stretch.withLock { $0 })|" }

  private func key(_ key: String) -> String { prefix + key }

  /// Bounds inside the run's stretch.
  private func bounds(_ lower: String?, _ upper: String?) throws -> KeyBounds {
    let prefix = prefix
    // `}` is the character behind `|`.
    let end = upper.map { prefix + $0 } ?? prefix.dropLast() + "}"
    return try .range(from: prefix + (lower ?? ""), to: end)
  }

  // MARK: Operations

  private func perform(
    _ operation: ScenarioOperation, _ transaction: borrowing Transaction,
    _ savepoints: inout [String: Savepoint]
  ) throws -> ScenarioResult {
    switch operation {
    case .get(let name):
      let bytes = try transaction.get(key(name), in: keyspace)
      return .value(bytes.flatMap(ScenarioValue.init(bytes:)))
    case .getForUpdate(let name):
      let bytes = try transaction.getForUpdate(key(name), in: keyspace)
      return .value(bytes.flatMap(ScenarioValue.init(bytes:)))
    case .put(let name, let value):
      try transaction.set(value.bytes, for: key(name), in: keyspace)
    case .delete(let name): try transaction.remove(key(name), in: keyspace)
    case .increment(let name, let amount):
      let sum = try transaction.increment(key(name), by: Int(amount), in: keyspace)
      return .value(.integer(Int64(sum)))
    case .compareAndSet(let name, let old, let new):
      return .truth(
        try transaction.compareAndSet(key(name), from: old?.bytes, to: new.bytes, in: keyspace))
    case .scan(let lower, let upper, let limit):
      if let lower, let upper, lower.utf8.elementsEqual(upper.utf8) { return .rows([]) }
      return .rows(
        try transaction.scenarioRows(in: keyspace, bounds(lower, upper), limit, prefix.count))
    case .savepoint(let name): savepoints[name] = try transaction.savepoint()
    case .rollBack(let name):
      guard let savepoint = savepoints[name] else {
        throw ScenarioRefusal("there is no savepoint \(name)")
      }
      try transaction.rollBack(to: savepoint)
    case .begin, .commit, .abort: break
    }
    return .done
  }
}

extension Reading where Self: ~Copyable {
  fileprivate func scenarioRows(
    in keyspace: Keyspace, _ bounds: KeyBounds, _ limit: Int?, _ prefixCount: Int
  ) throws -> [ScenarioRow] {
    var rows: [ScenarioRow] = []
    try forEach(in: keyspace, bounds, reverse: false, limit: limit) { key, value in
      if let name = String(valueBytes: key), let bytes = [UInt8](valueBytes: value),
        let value = ScenarioValue(bytes: bytes)
      {
        rows.append(ScenarioRow(String(name.dropFirst(prefixCount)), value))
      }
      return .continue
    }
    return rows
  }
}

extension ScenarioValue {
  /// A number as `Int64` is stored, so that the engine's own increment can be used; a string behind
  /// nine bytes, so that it never looks like one.
  fileprivate var bytes: [UInt8] {
    switch self {
    case .integer(let value): (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    case .text(let text): Array((Self.textMark + text).utf8)
    }
  }

  /// Nil for bytes that `bytes` never made.
  fileprivate init?(bytes: [UInt8]) {
    if bytes.count == 8 {
      self = .integer(bytes.reversed().reduce(0) { $0 << 8 | Int64($1) })
    } else if let text = String(validating: bytes, as: UTF8.self), text.hasPrefix(Self.textMark) {
      self = .text(String(text.dropFirst(Self.textMark.count)))
    } else {
      return nil
    }
  }

  private static let textMark = "scenario:"
}

extension ScenarioLevel {
  fileprivate var isolation: IsolationLevel {
    switch self {
    case .readUncommitted: .readUncommitted
    case .readCommitted: .readCommitted
    case .repeatableRead: .repeatableRead
    case .snapshot: .snapshot
    case .serializable: .serializable
    case .strictSerializable: .strictSerializable
    }
  }
}

extension ScenarioProtocol {
  fileprivate var using: TransactionProtocol {
    switch self {
    case .twoPhaseLocking: .twoPhaseLocking
    case .optimistic: .optimistic
    case .serializableSnapshot: .serializableSnapshot
    }
  }
}

extension DatabaseError {
  /// Whether the transaction is over: only misuse leaves it as it was.
  fileprivate var endsScenarioTransaction: Bool {
    switch code {
    case .invalidArgument, .keyTooLong, .valueTooLarge, .valueMismatch, .keyExists: false
    default: true
    }
  }
}
