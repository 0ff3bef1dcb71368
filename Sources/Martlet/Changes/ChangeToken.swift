internal import Primitives
internal import RawBytes
internal import RedoLog

/// A place in the order of commits of one database, from which a ``ChangeFeed`` goes on.
///
/// Save it beside what was made of the changes before it: as a value of the database itself, in the
/// same transaction, or by `Codable` wherever else. What is in it is the engine's business
/// (`format-spec/change-token.md`); it is no secret and cannot be made up.
///
/// It belongs to one database: another one refuses it with `wrongDatabase`, and so does, with
/// `positionLost`, an older copy of the same one that was put in its place.
public struct ChangeToken: Sendable, Hashable {
  let database: DatabaseID
  /// The newest record that lies behind the feed.
  let mark: LogMark
  /// Where the oldest piece of a large value begins that a later commit may refer to.
  let floor: LogPosition

  static let byteCount = 64
  private static let version: UInt8 = 1

  init(database: DatabaseID, mark: LogMark, floor: LogPosition) {
    self.database = database
    self.mark = mark
    self.floor = floor
  }

  /// Its bytes.
  var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: Self.byteCount)
    buffer.append(integer: Self.version)
    buffer.append(zeros: 7)
    buffer.append(integer: database.high)
    buffer.append(integer: database.low)
    buffer.append(integer: mark.number)
    buffer.append(integer: mark.position.rawValue)
    buffer.append(integer: floor.rawValue)
    buffer.append(integer: mark.checksum)
    buffer.append(integer: mark.recordCount)
    buffer.append(integer: UInt32(mark.isWhole ? 1 : 0))
    buffer.append(integer: CRC32C.checksum(buffer.view))
    return buffer.view.array
  }

  /// Nil when the bytes are no token.
  init?(decoding bytes: ByteView) {
    guard bytes.count == Self.byteCount,
      CRC32C.checksum(bytes.prefix(Self.byteCount - 4))
        == bytes.load(UInt32.self, at: Self.byteCount - 4)
    else { return nil }
    var reader = ByteReader(bytes)
    guard reader.integer(UInt8.self) == Self.version, reader.take(7) != nil,
      let high = reader.integer(UInt64.self), let low = reader.integer(UInt64.self),
      let number = reader.integer(UInt64.self), let position = reader.integer(UInt64.self),
      let floor = reader.integer(UInt64.self), let checksum = reader.integer(UInt32.self),
      let recordCount = reader.integer(UInt32.self), let flags = reader.integer(UInt32.self),
      flags <= 1, number > 0, number < BatchHeader.numberLimit,
      position < BatchHeader.positionLimit.rawValue, floor < BatchHeader.positionLimit.rawValue
    else { return nil }
    self.init(
      database: DatabaseID(high: high, low: low),
      mark: LogMark(
        number: number, position: LogPosition(position), checksum: checksum,
        recordCount: recordCount, isWhole: flags == 1),
      floor: LogPosition(floor))
  }
}

extension ChangeToken: StoredValue {
  /// Its 64 bytes.
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try encoded.withValueBytes(body)
  }

  /// Nil unless the bytes are those of a token.
  public init?(valueBytes: RawSpan) {
    guard let token = valueBytes.withByteView({ ChangeToken(decoding: $0) }) else { return nil }
    self = token
  }
}

extension ChangeToken: LosslessStringConvertible {
  /// Its bytes in hexadecimal digits.
  public var description: String {
    encoded.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  /// Nil unless the text is the description of a token.
  public init?(_ description: String) {
    let digits = Array(description.utf8)
    guard digits.count == 2 * Self.byteCount else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = Self.digit(digits[index]), let low = Self.digit(digits[index + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    guard let token = bytes.withByteView({ ChangeToken(decoding: $0) }) else { return nil }
    self = token
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}

extension ChangeToken: Codable {
  /// As one string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// Throws `DecodingError` when the string is no token.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let token = ChangeToken(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "the text is not a change token")
    }
    self = token
  }
}
