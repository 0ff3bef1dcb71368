internal import Martlet

/// A line of input, decoded: who asks, and what for.
package struct DriveRequest: Equatable, Sendable {
  /// Repeated in the reply, whatever it is.
  package var id: JSON
  package var target: Target

  /// What a request is about.
  package enum Target: Equatable, Sendable {
    /// Drop every key of the driven keyspace, then set these. Keys are bytes: texts that are equal to
    /// Swift and composed otherwise are different keys.
    case reset([[UInt8]: DriveValue])
    /// The whole committed state.
    case dump
    /// An operation of a session.
    case session(String, SessionOperation)
  }

  package init(id: JSON, target: Target) {
    self.id = id
    self.target = target
  }
}

/// What a session can be asked.
package enum SessionOperation: Equatable, Sendable {
  case begin(DriveLevel, DriveProtocol?)
  case get(String)
  /// A read of a key that is going to be written.
  case getForUpdate(String)
  case put(String, DriveValue)
  case delete(String)
  /// Half-open; a bound may be missing.
  case scan(String?, String?, limit: Int?)
  case increment(String, by: Int64)
  /// The old value is nil when the key must be absent.
  case compareAndSet(String, old: DriveValue?, new: DriveValue)
  /// Marks this moment under a name; an older one of that name is hidden.
  case savepoint(String)
  case rollBack(to: String)
  case commit
  case abort
}

/// The isolation levels by the names that the literature uses.
package enum DriveLevel: String, Sendable {
  case readUncommitted = "RU"
  case readCommitted = "RC"
  case repeatableRead = "RR"
  case snapshot = "SI"
  case serializable = "SER"
  case strictSerializable = "SSER"
}

/// The protocols by the names that the literature uses.
package enum DriveProtocol: String, Sendable {
  case twoPhaseLocking = "2PL"
  case optimistic = "OCC"
  case serializableSnapshot = "SSI"
}

/// A request that cannot be carried out as it stands: nothing happened.
package struct DriveRefusal: Error, Equatable {
  /// The id to answer with; null when the line gave none.
  package let id: JSON
  package let reason: String

  package init(id: JSON = .null, _ reason: String) {
    self.id = id
    self.reason = reason
  }
}

extension DriveRequest {
  /// Decodes a line.
  ///
  /// - Throws: `DriveRefusal` that says what is wrong with it.
  package init(line: some Collection<UInt8>) throws {
    let json: JSON
    do {
      json = try JSON(parsing: line)
    } catch {
      throw DriveRefusal(error.description)
    }
    guard case .object = json else {
      throw DriveRefusal("a request is a JSON object, this is \(json.kind)")
    }
    let id = json[name: "id"] ?? .null
    do {
      self.init(id: id, target: try Self.target(of: json))
    } catch let refusal as DriveRefusal {
      throw DriveRefusal(id: id, refusal.reason)
    }
  }

  private static func target(of json: JSON) throws -> Target {
    guard case .string(let name)? = json[name: "op"] else {
      throw DriveRefusal("a request needs \"op\", a string")
    }
    switch name {
    case "reset": return .reset(try setup(of: json))
    case "dump": return .dump
    default: break
    }
    let operation = try operation(name, of: json)
    guard case .string(let session)? = json[name: "session"] else {
      throw DriveRefusal("\(name) needs \"session\", a string")
    }
    return .session(session, operation)
  }

  private static func setup(of json: JSON) throws -> [[UInt8]: DriveValue] {
    var state: [[UInt8]: DriveValue] = [:]
    switch json[name: "setup"] {
    case nil, .null: break
    case .object(let members):
      for member in members {
        guard let value = DriveValue(member.value) else {
          throw DriveRefusal(
            "the value of \(member.name) is \(member.value.kind); integers and strings can be stored"
          )
        }
        state[Array(member.name.utf8)] = value
      }
    case let other?: throw DriveRefusal("setup must be an object, this is \(other.kind)")
    }
    return state
  }

  private static func operation(_ name: String, of json: JSON) throws -> SessionOperation {
    var arguments = try Arguments(of: name, in: json)
    let operation: SessionOperation
    switch name {
    case "begin": operation = .begin(try level(of: json), try concurrencyProtocol(of: json))
    case "get": operation = .get(try arguments.string("a key"))
    case "getForUpdate": operation = .getForUpdate(try arguments.string("a key"))
    case "put": operation = .put(try arguments.string("a key"), try arguments.value("a value"))
    case "delete": operation = .delete(try arguments.string("a key"))
    case "scan":
      operation = .scan(
        try arguments.optionalString("a lower bound"),
        try arguments.optionalString("an upper bound"), limit: try arguments.limit())
    case "incr":
      operation = .increment(try arguments.string("a key"), by: try arguments.integer("a number"))
    case "cas":
      operation = .compareAndSet(
        try arguments.string("a key"), old: try arguments.optionalValue("an old value"),
        new: try arguments.value("a new value"))
    case "commit": operation = .commit
    case "abort": operation = .abort
    case "savepoint": operation = .savepoint(try arguments.string("a name"))
    case "rollback-to": operation = .rollBack(to: try arguments.string("a name"))
    default: throw DriveRefusal("there is no operation \(name)")
    }
    try arguments.finish()
    return operation
  }

  private static func level(of json: JSON) throws -> DriveLevel {
    guard case .string(let name)? = json[name: "level"], let level = DriveLevel(rawValue: name)
    else {
      throw DriveRefusal("begin needs \"level\": one of RU, RC, RR, SI, SER and SSER")
    }
    return level
  }

  private static func concurrencyProtocol(of json: JSON) throws -> DriveProtocol? {
    switch json[name: "protocol"] {
    case nil, .null: return nil
    case .string(let name):
      if let choice = DriveProtocol(rawValue: name) { return choice }
      fallthrough
    default: throw DriveRefusal("protocol must be 2PL, OCC, SSI or null")
    }
  }
}

/// Takes the arguments of an operation one after another, and says which one is wrong.
private struct Arguments {
  private let operation: String
  private let all: [JSON]
  private var position = 0

  init(of operation: String, in json: JSON) throws {
    self.operation = operation
    switch json[name: "args"] {
    case nil, .null: all = []
    case .array(let elements): all = elements
    case let other?: throw DriveRefusal("args must be an array, this is \(other.kind)")
    }
  }

  private mutating func take(_ what: String) throws -> JSON {
    guard position < all.count else {
      throw DriveRefusal("\(operation) needs \(what) as argument \(position + 1)")
    }
    defer { position += 1 }
    return all[position]
  }

  private func refusal(_ what: String, _ found: JSON) -> DriveRefusal {
    DriveRefusal("argument \(position) of \(operation) must be \(what), this is \(found.kind)")
  }

  mutating func string(_ what: String) throws -> String {
    let found = try take(what)
    guard case .string(let text) = found else { throw refusal("\(what), a string", found) }
    return text
  }

  mutating func optionalString(_ what: String) throws -> String? {
    let found = try take(what)
    if found == .null { return nil }
    guard case .string(let text) = found else { throw refusal("\(what), a string or null", found) }
    return text
  }

  mutating func value(_ what: String) throws -> DriveValue {
    let found = try take(what)
    guard let value = DriveValue(found) else {
      throw refusal("\(what), an integer or a string", found)
    }
    return value
  }

  mutating func optionalValue(_ what: String) throws -> DriveValue? {
    let found = try take(what)
    if found == .null { return nil }
    guard let value = DriveValue(found) else {
      throw refusal("\(what), an integer, a string or null", found)
    }
    return value
  }

  mutating func integer(_ what: String) throws -> Int64 {
    let found = try take(what)
    guard case .integer(let value) = found else { throw refusal("\(what), an integer", found) }
    return value
  }

  mutating func limit() throws -> Int? {
    guard position < all.count else { return nil }
    let found = try take("a limit")
    if found == .null { return nil }
    guard case .integer(let value) = found, let limit = Int(exactly: value), limit >= 0 else {
      throw refusal("a limit, an integer from 0", found)
    }
    return limit
  }

  func finish() throws {
    guard position == all.count else {
      throw DriveRefusal("\(operation) takes \(position) arguments, there are \(all.count)")
    }
  }
}
