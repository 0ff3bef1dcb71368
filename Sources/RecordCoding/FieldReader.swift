internal import RawBytes

/// Finds the fields of a value by their names: all of `FieldDecoder` that does not depend on the
/// type of the keys, so that it is compiled once and calls nothing through witnesses.
struct FieldReader {
  let record: DecodingRecord
  let start: Int
  let end: Int
  let depth: Int
  /// The cursor's place and number.
  private let slot: Int
  private let serial: Int

  init(_ record: DecodingRecord, _ item: Item, depth: Int) {
    self.record = record
    start = item.start
    end = item.end
    self.depth = depth
    (slot, serial) = record.beginCursor(at: item.start)
  }

  /// The value of a field.
  func item(_ name: String) throws(ValueError) -> Item {
    guard let item = try find(name, stepping: true) else { throw .absent }
    return item
  }

  /// The value of a field; nil when there is none, or null.
  func itemIfPresent(_ name: String) throws(ValueError) -> Item? {
    guard let item = try find(name, stepping: true), item.tag != Tag.null else { return nil }
    return item
  }

  /// The value of a field, which may be null; nil when there is none. It is found next once more.
  func look(_ name: String) throws(ValueError) -> Item? {
    try find(name, stepping: false)
  }

  /// The names of all fields. What cannot be read fails the record when its decoding ends: nothing
  /// can be thrown here, and a part of a dictionary must not pass for the whole.
  func forEachName(_ body: (String) -> Void) {
    do throws(ValueError) {
      var offset = start
      while offset < end {
        let (name, item) = try record.field(at: offset, limit: end)
        guard let text = record.name(name).text else { throw .bytes(offset, .notUTF8) }
        body(text)
        offset = item.end
      }
    } catch {
      record.fail(error)
    }
  }

  private func find(_ name: String, stepping: Bool) throws(ValueError) -> Item? {
    var name = name
    var failure: ValueError?
    let item = name.withUTF8 { utf8 in
      do throws(ValueError) {
        return try find(unsafe ByteView(UnsafeRawBufferPointer(utf8)), stepping: stepping)
      } catch {
        failure = error
        return nil
      }
    }
    if let failure { throw failure }
    return item
  }

  private func find(_ name: ByteView, stepping: Bool) throws(ValueError) -> Item? {
    let first = record.cursor(slot, serial: serial) ?? start
    if let item = try find(name, in: first..<end, stepping: stepping) { return item }
    return try find(name, in: start..<first, stepping: stepping)
  }

  private func find(
    _ name: ByteView, in range: Range<Int>, stepping: Bool
  ) throws(ValueError) -> Item? {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let field = try record.field(at: offset, limit: end)
      if record.name(field.name) == name {
        record.moveCursor(slot, serial: serial, to: stepping ? field.item.end : offset)
        return field.item
      }
      offset = field.item.end
    }
    return nil
  }
}
