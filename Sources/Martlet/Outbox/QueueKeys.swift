internal import RawBytes

/// The keys and values of a queue's keyspace: `format-spec/message-queue.md`. Pure.
///
/// ```text
///   1 id                message     when it came, its idempotency key, its body
///   2 due id            turn        from when on it may be delivered, and how often it was
///   3 id                dead letter why it is delivered no more
///   4 key               seen        until when a message of this idempotency key is one too many
///   5 until key         expiry      the same by time, to be forgotten in order
/// ```
///
/// - Invariant QK1: a message has exactly one turn, or is a dead letter.
/// - Invariant QK2: turns ascend by the moment from which they are due, then by the order in which
///   their messages came.
enum QueueKeys {
  private enum Kind {
    static let message: UInt8 = 1
    static let turn: UInt8 = 2
    static let deadLetter: UInt8 = 3
    static let seen: UInt8 = 4
    static let expiry: UInt8 = 5
  }

  static func message(_ id: MessageID) -> [UInt8] { [Kind.message] + id.bytes }
  static func turn(_ due: UInt64, _ id: MessageID) -> [UInt8] {
    [Kind.turn] + bigEndian(due) + id.bytes
  }
  static func deadLetter(_ id: MessageID) -> [UInt8] { [Kind.deadLetter] + id.bytes }
  static func seen(_ key: String) -> [UInt8] { [Kind.seen] + Array(key.utf8) }
  static func expiry(_ until: UInt64, _ key: String) -> [UInt8] {
    [Kind.expiry] + bigEndian(until) + Array(key.utf8)
  }

  static let messages = [Kind.message]
  static let turns = [Kind.turn]
  static let deadLetters = [Kind.deadLetter]
  static let expiries = [Kind.expiry]
  /// Behind every turn that is due at a moment.
  static func turns(dueAfter moment: UInt64) -> [UInt8] { [Kind.turn] + bigEndian(moment &+ 1) }
  /// Behind every expiry up to a moment.
  static func expiries(after moment: UInt64) -> [UInt8] { [Kind.expiry] + bigEndian(moment &+ 1) }

  /// The parts of a turn's key.
  static func parseTurn(_ key: [UInt8]) throws(DatabaseError) -> (due: UInt64, id: MessageID) {
    guard key.count == 9 + MessageID.byteCount, key[0] == Kind.turn,
      let id = MessageID(bytes: Array(key[9...]))
    else { throw damaged("the key of a turn", key.count) }
    return (integer(key[1..<9]), id)
  }

  static func parseDeadLetter(_ key: [UInt8]) throws(DatabaseError) -> MessageID {
    guard key.count == 1 + MessageID.byteCount, key[0] == Kind.deadLetter,
      let id = MessageID(bytes: Array(key[1...]))
    else { throw damaged("the key of a dead letter", key.count) }
    return id
  }

  /// The idempotency key in an expiry's key.
  static func parseExpiry(_ key: [UInt8]) throws(DatabaseError) -> String {
    guard key.count > 9, key[0] == Kind.expiry,
      let text = String(validating: key[9...], as: UTF8.self)
    else { throw damaged("the key of an expiry", key.count) }
    return text
  }

  static func bigEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
  }

  static func integer(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  static func damaged(_ expected: String, _ byteCount: Int) -> DatabaseError {
    DatabaseError(
      damage: CorruptionError(
        location: "keyspace of a message queue", expected: expected,
        found: "\(byteCount) bytes that are none"))
  }
}

/// The stored form of a message.
struct StoredMessage {
  var enqueuedAt: UInt64
  var key: String
  var body: [UInt8]

  private static let version: UInt8 = 1

  var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: body.count + key.utf8.count + 24)
    buffer.append(integer: Self.version)
    buffer.append(integer: enqueuedAt)
    Array(key.utf8).withByteView { buffer.append(counted: $0) }
    body.withByteView { buffer.append($0) }
    return buffer.view.array
  }

  init(enqueuedAt: UInt64, key: String, body: [UInt8]) {
    self.enqueuedAt = enqueuedAt
    self.key = key
    self.body = body
  }

  init(decoding bytes: [UInt8]) throws(DatabaseError) {
    let decoded: StoredMessage? = bytes.withByteView { view in
      var reader = ByteReader(view)
      guard reader.integer(UInt8.self) == Self.version,
        let enqueuedAt = reader.integer(UInt64.self), let key = reader.counted(),
        let text = String(validating: key.array, as: UTF8.self),
        let body = reader.take(reader.remaining)
      else { return nil }
      return StoredMessage(enqueuedAt: enqueuedAt, key: text, body: body.array)
    }
    guard let decoded else { throw QueueKeys.damaged("a message", bytes.count) }
    self = decoded
  }
}

/// The stored form of a turn, and of a dead letter: how often a message was delivered, under which
/// lease it is out, and what went wrong the last time.
struct StoredTurn {
  var attempts: UInt32 = 0
  /// Drawn for each delivery; zero while nobody has the message.
  var lease: UInt64 = 0
  /// When it died. Of a dead letter only.
  var diedAt: UInt64 = 0
  var error = ""

  private static let version: UInt8 = 1
  /// Bytes of an error's text that are kept.
  static let errorByteLimit = 4096

  var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: 32 + error.utf8.count)
    buffer.append(integer: Self.version)
    buffer.append(integer: attempts)
    buffer.append(integer: lease)
    buffer.append(integer: diedAt)
    Array(error.utf8.prefix(Self.errorByteLimit)).withByteView { buffer.append($0) }
    return buffer.view.array
  }

  init() {}

  init(decoding bytes: [UInt8]) throws(DatabaseError) {
    let decoded: StoredTurn? = bytes.withByteView { view in
      var reader = ByteReader(view)
      guard reader.integer(UInt8.self) == Self.version,
        let attempts = reader.integer(UInt32.self), let lease = reader.integer(UInt64.self),
        let diedAt = reader.integer(UInt64.self), let error = reader.take(reader.remaining)
      else { return nil }
      var turn = StoredTurn()
      turn.attempts = attempts
      turn.lease = lease
      turn.diedAt = diedAt
      // A text that was cut may end in half a character.
      turn.error = String(decoding: error.array, as: UTF8.self)
      return turn
    }
    guard let decoded else { throw QueueKeys.damaged("a turn", bytes.count) }
    self = decoded
  }
}
