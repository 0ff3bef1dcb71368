internal import RawBytes

/// A stretch of a record's values while they are encoded.
///
/// `Encodable` types write into containers, and nobody says when a container is complete: only the
/// return of `encode(to:)` does. What a value encodes within its own call nests, so it is written
/// straight into one buffer, and the counts of bytes are filled in when calls return. A nested
/// container or a super-encoder however may be written to by turns with its parent, as long as the
/// call lasts that asked for it: it gets a segment of its own, which is inserted into its parent's
/// when that call returns.
///
/// - Invariant RC1: only the innermost open value of a segment is written to. Writing through a
///   container whose call has returned, or to one while a value in it is being encoded, traps.
/// - Invariant RC2: no bytes depend on where they lie, so they can be moved: names are numbers of a
///   table at the record's head, and counts are relative.
final class EncodingSegment {
  unowned let record: EncodingRecord
  var bytes = ByteBuffer(capacity: 256)
  /// The keys of the open values.
  var keys: [any CodingKey] = []
  /// The serial number of the innermost open value.
  private(set) var current = 0
  /// The values that are open, the innermost last. The first is the segment's own.
  private var open: [OpenValue] = []
  /// Segments to be inserted, in order of where.
  private var nested: [(position: Int, segment: EncodingSegment)] = []
  /// Where the segment is to be inserted; nil for the root.
  private var origin: Origin?

  init(record: EncodingRecord) {
    self.record = record
  }

  /// What a value turned out to be.
  enum Shape {
    case fields, list, single
  }

  /// A value whose `encode(to:)` has not returned yet.
  private struct OpenValue {
    let serial: Int
    let start: Int
    var shape: Shape?
    /// How many segments waited before it.
    let nestedBefore: Int
  }

  /// The place among the keys of another segment.
  private struct Origin {
    let parent: EncodingSegment
    let keyCount: Int
    let key: any CodingKey
    let depth: Int
  }

  /// How many values enclose the innermost one, it included.
  private var depth: Int { (origin?.depth ?? 0) + open.count }

  /// The keys that lead to the innermost value.
  var codingPath: [any CodingKey] {
    guard let origin else { return keys }
    return origin.parent.codingPath(keyCount: origin.keyCount) + [origin.key] + keys
  }

  private func codingPath(keyCount: Int) -> [any CodingKey] {
    codingPath.dropLast(keys.count - keyCount)
  }

  /// Begins a value at the end of the bytes; what it is, is not known yet.
  func beginValue() -> Int {
    current = record.nextSerial()
    open.append(
      OpenValue(serial: current, start: bytes.count, shape: nil, nestedBefore: nested.count))
    if depth > RecordFormat.depthLimit { record.isTooDeep = true }
    return current
  }

  /// The value asks for a container of a shape: its head is written, but for the count.
  func setShape(_ shape: Shape, of serial: Int) {
    check(serial)
    let last = open.count - 1
    if let before = open[last].shape {
      precondition(before == shape && shape != .single, "a value is encoded as one thing")
      return
    }
    open[last].shape = shape
    guard shape != .single else { return }
    bytes.append(integer: shape == .fields ? Tag.fields : Tag.list)
    if !isRoot(open[last]) { bytes.append(integer: UInt8(0)) }
  }

  /// Ends the innermost value: inserts what waited for that, and fills in the count of its bytes.
  func endValue(_ serial: Int) {
    check(serial)
    if open[open.count - 1].shape == nil { setShape(.fields, of: serial) }
    let value = open.removeLast()
    current = open.last?.serial ?? 0
    insertNested(from: value.nestedBefore)
    if value.shape == .single {
      if bytes.count == value.start { bytes.append(integer: Tag.null) }
    } else if !isRoot(value) {
      fillInCount(at: value.start + 1)
    }
  }

  /// Begins a segment for what may be written to by turns with this one.
  func beginSegment(_ key: some CodingKey) -> (segment: EncodingSegment, serial: Int) {
    let segment = record.segment()
    segment.origin = Origin(parent: self, keyCount: keys.count, key: key, depth: depth)
    nested.append((bytes.count, segment))
    return (segment, segment.beginValue())
  }

  /// Makes sure that a container may be written to (RC1).
  func check(_ serial: Int) {
    precondition(serial == current, "a container is written to while its own value is encoded")
  }

  /// Makes sure that the only value of a container is not written yet.
  func checkSingle(_ serial: Int) {
    check(serial)
    precondition(bytes.count == open[open.count - 1].start, "a single value is encoded once")
  }

  func removeAll() {
    bytes.removeAll()
    keys.removeAll(keepingCapacity: true)
    open.removeAll(keepingCapacity: true)
    nested.removeAll(keepingCapacity: true)
    origin = nil
    current = 0
  }

  /// Whether the value is the whole record: it extends to the record's end, and has no count.
  private func isRoot(_ value: OpenValue) -> Bool {
    value.start == 0 && origin == nil
  }

  private func insertNested(from first: Int) {
    guard nested.count > first else { return }
    for (position, segment) in nested[first...].reversed() {
      segment.endValue(segment.current)
      bytes.insert(segment.bytes.view, at: position)
      record.recycle(segment)
    }
    nested.removeLast(nested.count - first)
  }

  /// Writes how many bytes follow the byte at `place`; few fit into that byte.
  private func fillInCount(at place: Int) {
    var rest = UInt64(bytes.count - place - 1)
    var byteCount = 1
    while rest >> UInt64(7 * byteCount) > 0 { byteCount += 1 }
    if byteCount > 1 { bytes.insert(zeros: byteCount - 1, at: place + 1) }
    for index in place..<place + byteCount {
      let isLast = index == place + byteCount - 1
      bytes.mutableView[index] = UInt8(rest & 127) | (isLast ? 0 : 128)
      rest >>= 7
    }
  }
}
