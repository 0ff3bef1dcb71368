import Martlet
import Testing

/// A database with two or three keys, and transactions that are taken through their steps by hand.
struct Stage {
  let db: Database
  let keys: Keyspace

  init(_ names: [String] = ["x", "y"], configuration: Configuration = Configuration()) throws {
    db = try Database.inMemory(configuration: configuration)
    keys = try db.keyspace("keys")
    let keys = keys
    try db.write { tx in for name in names { try tx.set(0, for: name, in: keys) } }
  }

  /// Opens a transaction whose operations throw `lockTimeout` instead of waiting.
  func open(_ isolation: IsolationLevel, _ using: TransactionProtocol? = nil) throws
    -> OpenTransaction
  {
    try db.open(isolation: isolation, using: using, lockTimeout: .zero)
  }

  func value(_ key: String) throws -> Int? {
    try db.read { try $0.value(for: key, in: keys, as: Int.self) }
  }

  func get(_ key: String, _ transaction: OpenTransaction) throws -> Int? {
    try transaction.run { try $0.value(for: key, in: keys, as: Int.self) }
  }

  func set(_ key: String, _ value: Int, _ transaction: OpenTransaction) throws {
    try transaction.run { try $0.set(value, for: key, in: keys) }
  }

  /// Keys and values of a range.
  func scan(
    _ range: Range<String>, limit: Int? = nil, reverse: Bool = false,
    _ transaction: OpenTransaction
  ) throws -> [String: Int] {
    var found: [String: Int] = [:]
    try transaction.run { tx in
      let bounds = try KeyBounds.range(from: range.lowerBound, to: range.upperBound)
      try tx.forEach(in: keys, bounds, reverse: reverse, limit: limit) { key, value in
        found[String(valueBytes: key) ?? "?"] = Int(valueBytes: value)
        return .continue
      }
    }
    return found
  }

  /// The code with which something fails; nil when it does not.
  func code(_ body: () throws -> Void) -> DatabaseError.Code? { error(body)?.code }

  func error(_ body: () throws -> Void) -> DatabaseError? { Self.error(body) }

  static func error(_ body: () throws -> Void) -> DatabaseError? {
    do {
      try body()
      return nil
    } catch {
      return error as? DatabaseError
    }
  }
}
