internal import RawBytes

/// A value of a record as decoders and containers hold it: in which record it is, and where.
///
/// `Codable` copies decoders and containers with every field that it reads. This is plain bits, and
/// no more than an existential holds in place.
struct Place: BitwiseCopyable {
  private let memory: DecodingRecord
  private let generation: UInt32
  private let start: UInt32
  private let end: UInt32
  let tag: UInt8
  private let level: UInt8

  init(_ item: Item, in record: DecodingRecord, depth: Int) {
    memory = record
    generation = record.generation
    start = UInt32(item.start)
    end = UInt32(item.end)
    tag = item.tag
    level = UInt8(depth)
  }

  /// The record. Traps when it is not being decoded any more (RE4).
  @inline(__always)
  var record: DecodingRecord {
    precondition(
      memory.generation == generation, "a decoder is used only while its record is decoded")
    return memory
  }

  var item: Item { Item(tag: tag, start: Int(start), end: Int(end)) }

  /// How many values enclose this one, it included.
  var depth: Int { Int(level) }
}

/// Fields by their names: all of `FieldDecoder` that does not depend on the type of the keys, so that
/// it is compiled once and calls nothing through witnesses.
extension Place {
  /// Makes the first field the one that is expected next.
  func beginFields() { record.beginFields(at: Int(start), depth: depth) }

  /// The value of a field.
  @inline(__always)
  func item(_ name: borrowing String) throws(ValueError) -> Item {
    let item = try record.find(
      name, from: Int(start), to: Int(end), depth: depth, stepping: true)
    guard let item else { throw .absent }
    return item
  }

  /// The value of a field; nil when there is none, or null.
  @inline(__always)
  func itemIfPresent(_ name: borrowing String) throws(ValueError) -> Item? {
    let item = try record.find(
      name, from: Int(start), to: Int(end), depth: depth, stepping: true)
    guard let item, item.tag != Tag.null else { return nil }
    return item
  }

  /// The value of a field, which may be null; nil when there is none. It is found next once more.
  func look(_ name: borrowing String) throws(ValueError) -> Item? {
    try record.find(name, from: Int(start), to: Int(end), depth: depth, stepping: false)
  }

  /// The names of all fields. What cannot be read fails the record when its decoding ends: nothing
  /// can be thrown here, and a part of a dictionary must not pass for the whole.
  func forEachName(_ body: (String) -> Void) {
    let record = record
    do throws(ValueError) {
      var offset = Int(start)
      while offset < Int(end) {
        let (name, item) = try record.field(at: offset, limit: Int(end))
        guard let text = record.name(name).text else { throw .bytes(offset, .notUTF8) }
        body(text)
        offset = item.end
      }
    } catch {
      record.fail(error)
    }
  }

  func bool(_ name: borrowing String) throws(ValueError) -> Bool {
    try record.bool(item(name))
  }

  func string(_ name: borrowing String) throws(ValueError) -> String {
    try record.string(item(name))
  }

  func double(_ name: borrowing String) throws(ValueError) -> Double {
    try record.double(item(name))
  }

  func float(_ name: borrowing String) throws(ValueError) -> Float {
    try record.float(item(name))
  }

  func signed<Integer: FixedWidthInteger & SignedInteger>(
    _ name: borrowing String
  ) throws(ValueError) -> Integer {
    try record.signed(item(name))
  }

  func unsigned<Integer: FixedWidthInteger & UnsignedInteger>(
    _ name: borrowing String
  ) throws(ValueError) -> Integer {
    try record.unsigned(item(name))
  }

  func boolIfPresent(_ name: borrowing String) throws(ValueError) -> Bool? {
    guard let item = try itemIfPresent(name) else { return nil }
    return try record.bool(item)
  }

  func stringIfPresent(_ name: borrowing String) throws(ValueError) -> String? {
    guard let item = try itemIfPresent(name) else { return nil }
    return try record.string(item)
  }

  func doubleIfPresent(_ name: borrowing String) throws(ValueError) -> Double? {
    guard let item = try itemIfPresent(name) else { return nil }
    return try record.double(item)
  }

  func floatIfPresent(_ name: borrowing String) throws(ValueError) -> Float? {
    guard let item = try itemIfPresent(name) else { return nil }
    return try record.float(item)
  }

  func signedIfPresent<Integer: FixedWidthInteger & SignedInteger>(
    _ name: borrowing String
  ) throws(ValueError) -> Integer? {
    guard let item = try itemIfPresent(name) else { return nil }
    return try record.signed(item)
  }

  func unsignedIfPresent<Integer: FixedWidthInteger & UnsignedInteger>(
    _ name: borrowing String
  ) throws(ValueError) -> Integer? {
    guard let item = try itemIfPresent(name) else { return nil }
    return try record.unsigned(item)
  }
}
