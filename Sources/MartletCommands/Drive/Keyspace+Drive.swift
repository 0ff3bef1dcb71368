internal import Martlet

extension Keyspace {
  /// Carries out one operation of a transaction, and returns the value of its reply.
  ///
  /// - Throws: `DriveRefusal` when the stored value does not suit the operation; what the
  ///   engine throws.
  func perform(
    _ operation: SessionOperation, in transaction: borrowing Transaction
  ) throws -> JSON {
    switch operation {
    case .get(let key):
      return try driven(key, in: transaction, forUpdate: false)?.json ?? .null
    case .getForUpdate(let key):
      return try driven(key, in: transaction, forUpdate: true)?.json ?? .null
    case .put(let key, let value):
      try transaction.set(value.bytes, for: key, in: self)
      return .null
    case .delete(let key):
      try transaction.remove(key, in: self)
      return .null
    case .scan(let lower, let upper, let limit):
      if let lower, let upper, !lower.utf8.lexicographicallyPrecedes(upper.utf8) {
        return .object([])
      }
      var members: [JSON.Member] = []
      let bounds = try KeyBounds.driven(from: lower, to: upper)
      try transaction.forEach(in: self, bounds, reverse: false, limit: limit) { key, value in
        members.append(try JSON.Member(drivenKey: key, value: value))
        return .continue
      }
      return .object(members)
    case .increment(let key, let difference):
      let old = try driven(key, in: transaction, forUpdate: true) ?? .integer(0)
      guard case .integer(let number) = old else {
        throw DriveRefusal("\(key) holds a string; incr needs an integer")
      }
      let (sum, overflow) = number.addingReportingOverflow(difference)
      guard !overflow else { throw DriveRefusal("\(key) would leave the range of 64 bits") }
      try transaction.set(DriveValue.integer(sum).bytes, for: key, in: self)
      return .integer(sum)
    case .compareAndSet(let key, let old, let new):
      guard try driven(key, in: transaction, forUpdate: true) == old else { return false }
      try transaction.set(new.bytes, for: key, in: self)
      return true
    case .begin, .commit, .abort, .savepoint, .rollBack:
      preconditionFailure("the session's own business")
    }
  }

  private func driven(
    _ key: String, in transaction: borrowing Transaction, forUpdate: Bool
  ) throws -> DriveValue? {
    let found =
      forUpdate
      ? try transaction.getForUpdate(key, in: self) : try transaction.get(key, in: self)
    guard let bytes = found else { return nil }
    guard let value = DriveValue(bytes: bytes) else { throw Self.foreignValue(of: key) }
    return value
  }

  fileprivate static func foreignValue(of key: String) -> DriveRefusal {
    DriveRefusal("the value of \(key) was not written by drive")
  }
}

extension JSON.Member {
  /// An entry of the driven keyspace.
  init(drivenKey key: RawSpan, value: RawSpan) throws {
    guard let name = String(valueBytes: key) else {
      throw DriveRefusal("a key that is not UTF-8 was not written by drive")
    }
    guard let bytes = [UInt8](valueBytes: value), let value = DriveValue(bytes: bytes) else {
      throw Keyspace.foreignValue(of: name)
    }
    self.init(name, value.json)
  }
}

extension KeyBounds {
  fileprivate static func driven(from lower: String?, to upper: String?) throws -> KeyBounds {
    switch (lower, upper) {
    case (let lower?, let upper?): try .range(from: lower, to: upper)
    case (let lower?, nil): try .from(lower)
    case (nil, let upper?): try .upTo(upper)
    case (nil, nil): .all
    }
  }
}
