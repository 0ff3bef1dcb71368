package import Primitives
package import RawBytes

/// Names a client's session: the slot in which it was opened, so that nobody else ever has the
/// same, and a session that is not there any more is known to have been there. Zero: no session.
package struct SessionID: Hashable, Comparable, Sendable, BitwiseCopyable {
  package let rawValue: UInt64

  package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// A command without one may be carried out twice if it is sent twice.
  package static let none = SessionID(0)

  package static func < (left: SessionID, right: SessionID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// A change of the replicated key-value state.
///
/// With a session it happens once however often it is sent: the state holds the results of a
/// session's newest commands, until the client says that it needs them no more (rules I1, I2).
package struct Command: Hashable, Sendable {
  package enum Operation: Hashable, Sendable {
    /// Answered by `.opened`.
    case openSession
    case put(key: [UInt8], value: [UInt8])
    case delete(key: [UInt8])
    /// Sets the value where the key has the expected one; nil: where it is absent.
    case compareAndSet(key: [UInt8], expected: [UInt8]?, value: [UInt8])
  }

  package let session: SessionID
  /// Counts the session's commands from 1; with no session zero.
  package let sequence: UInt64
  /// The client has the results of all its commands up to here.
  package let acknowledgedThrough: UInt64
  package let operation: Operation

  package init(
    session: SessionID = .none, sequence: UInt64 = 0, acknowledgedThrough: UInt64 = 0,
    _ operation: Operation
  ) {
    precondition((session == .none) == (sequence == 0), "commands of a session count from 1")
    self.session = session
    self.sequence = sequence
    self.acknowledgedThrough = acknowledgedThrough
    self.operation = operation
  }

  /// Bytes of key and value that have to fit into a page together.
  var inlineByteCount: Int {
    switch operation {
    case .openSession: 0
    case .put(let key, let value), .compareAndSet(let key, _, let value): key.count + value.count
    case .delete(let key): key.count
    }
  }

  var keyByteCount: Int {
    switch operation {
    case .openSession: 0
    case .put(let key, _), .delete(let key), .compareAndSet(let key, _, _): key.count
    }
  }
}

/// What a command came to.
package enum CommandResult: Hashable, Sendable {
  case opened(SessionID)
  case done
  /// A `compareAndSet` found what it expected, or something else and changed nothing.
  case swapped
  case mismatch
  /// Nothing happened now, and what happened when the command was sent before is forgotten.
  case outcomeExpired
  /// Nothing happened now: the session was dropped, as the one that was unused for longest.
  case sessionExpired
}

/// A command as the log holds it: with the number under which its proposer waits for it.
package struct LoggedCommand: Hashable, Sendable {
  package let origin: UInt64
  package let command: Command

  static let version: UInt8 = 1

  private enum Kind: UInt8 {
    case openSession = 1
    case put = 2
    case delete = 3
    case putIfAbsent = 4
    case compareAndSet = 5
  }

  package var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: 64 + command.inlineByteCount)
    buffer.append(integer: Self.version)
    switch command.operation {
    case .openSession: begin(.openSession, &buffer)
    case .put(let key, let value):
      begin(.put, &buffer)
      key.withByteView { buffer.append(counted32: $0) }
      value.withByteView { buffer.append(counted32: $0) }
    case .delete(let key):
      begin(.delete, &buffer)
      key.withByteView { buffer.append(counted32: $0) }
    case .compareAndSet(let key, let expected, let value):
      begin(expected == nil ? .putIfAbsent : .compareAndSet, &buffer)
      key.withByteView { buffer.append(counted32: $0) }
      if let expected { expected.withByteView { buffer.append(counted32: $0) } }
      value.withByteView { buffer.append(counted32: $0) }
    }
    return buffer.view.array
  }

  private func begin(_ kind: Kind, _ buffer: inout ByteBuffer) {
    buffer.append(integer: kind.rawValue)
    buffer.append(integer: origin)
    buffer.append(integer: command.session.rawValue)
    buffer.append(integer: command.sequence)
    buffer.append(integer: command.acknowledgedThrough)
  }

  package init(origin: UInt64, command: Command) {
    self.origin = origin
    self.command = command
  }

  package init(decoding bytes: ByteView) throws(CorruptionError) {
    var reader = FieldReader(bytes, "replicated command")
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else {
      throw reader.corrupt("version \(Self.version)", "\(version)")
    }
    let code = try reader.integer(UInt8.self)
    guard let kind = Kind(rawValue: code) else {
      throw reader.corrupt("a kind of command that this version knows", "\(code)")
    }
    origin = try reader.integer(UInt64.self)
    let session = SessionID(try reader.integer(UInt64.self))
    let sequence = try reader.integer(UInt64.self)
    let acknowledgedThrough = try reader.integer(UInt64.self)
    guard (session == .none) == (sequence == 0) else {
      throw reader.corrupt("a sequence exactly with a session", "\(sequence)")
    }
    let operation: Command.Operation
    switch kind {
    case .openSession: operation = .openSession
    case .put:
      operation = .put(key: try reader.counted().array, value: try reader.counted().array)
    case .delete: operation = .delete(key: try reader.counted().array)
    case .putIfAbsent:
      operation = .compareAndSet(
        key: try reader.counted().array, expected: nil, value: try reader.counted().array)
    case .compareAndSet:
      operation = .compareAndSet(
        key: try reader.counted().array, expected: try reader.counted().array,
        value: try reader.counted().array)
    }
    try reader.finish()
    command = Command(
      session: session, sequence: sequence, acknowledgedThrough: acknowledgedThrough, operation)
  }
}
