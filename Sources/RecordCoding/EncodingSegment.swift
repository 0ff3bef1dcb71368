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
/// - Invariant RE1: only the innermost open value of a segment is written to. Writing through a
///   container whose call has returned, or to one while a value in it is being encoded, traps.
/// - Invariant RE2: no bytes depend on where they lie, so they can be moved: names are numbers of a
///   table at the record's head, and counts are relative.
/// - Invariant RE5: the fields of a value have different names. Of two that are encoded under one key,
///   as by a class and then by its subclass, the later one stays.
///
/// A handle of memory that its record keeps, and never frees (RE6).
// SAFETY: RE6 keeps the pointer good.
@safe
struct EncodingSegment {
  private let memory: UnsafeMutablePointer<SegmentState>

  init() {
    unsafe memory = .allocate(capacity: 1)
    unsafe memory.initialize(to: SegmentState())
  }

  /// The place among the keys of another segment.
  struct Origin {
    let parent: EncodingSegment
    let keyCount: Int
    let key: any CodingKey
  }

  var state: SegmentState {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(memory) }
    @inline(__always) nonmutating unsafeMutableAddress { unsafe memory }
  }

  /// The keys that lead to the innermost value.
  var codingPath: [any CodingKey] {
    guard let origin = state.origin else { return state.keys }
    let before = origin.parent
    let path = before.codingPath.dropLast(before.state.keys.count - origin.keyCount)
    return path + [origin.key] + state.keys
  }

  /// Makes a recycled segment one that is to be inserted here.
  func begin(in parent: EncodingSegment, at key: some CodingKey, record: EncodingRecord) -> Int {
    let keyCount = parent.state.keys.count
    state.origin = Origin(parent: parent, keyCount: keyCount, key: key)
    parent.state.nested.append((parent.state.bytes.count, self))
    state.isRoot = false
    state.outerDepth = parent.state.depth
    return state.beginValue(record)
  }

  func removeAll() { state.removeAll() }
}

/// The bytes of a segment, and which of its values are open.
struct SegmentState: ~Copyable {
  var bytes = ByteBuffer(capacity: 256)
  /// The keys of the open values.
  var keys: [any CodingKey] = []
  /// Where the segment is to be inserted; nil for the root.
  var origin: EncodingSegment.Origin?
  /// Segments to be inserted, in order of where.
  var nested: [(position: Int, segment: EncodingSegment)] = []
  /// Whether the segment's first value is the whole record.
  var isRoot = true
  /// How many values enclose the segment.
  var outerDepth = 0
  /// The innermost open value; no encoder has its serial number when none is.
  private var innermost = OpenValue.none
  /// The open values around it, the nearest last, and what stands for none before the segment's own.
  private var around: [OpenValue] = []

  /// What a value turned out to be.
  enum Shape {
    case fields, list, single
  }

  /// A value whose `encode(to:)` has not returned yet.
  private struct OpenValue {
    static let none = OpenValue(serial: 0, start: 0, shape: nil, nestedBefore: 0)

    let serial: Int
    let start: Int
    var shape: Shape?
    /// How many segments waited before it.
    let nestedBefore: Int
    /// The fields that it has, by the places and homes of their names in the name table (NT1); where the field that
    /// is being written begins; how many there are; and whether several containers write them.
    var slots: UInt64 = 0
    var homes: UInt64 = 0
    var fieldStart = 0
    var fieldCount = 0
    var isShared = false
  }

  /// How many values enclose the innermost one, it included.
  var depth: Int { outerDepth + around.count }

  /// Begins a value at the end of the bytes; what it is, is not known yet.
  mutating func beginValue(_ record: EncodingRecord) -> Int {
    around.append(innermost)
    innermost = OpenValue(
      serial: record.nextSerial(), start: bytes.count, shape: nil, nestedBefore: nested.count)
    if depth > RecordFormat.depthLimit {
      record.failure = "values nested more than \(RecordFormat.depthLimit) deep"
    }
    return innermost.serial
  }

  /// The value asks for a container of a shape: its head is written, but for the count.
  mutating func setShape(_ shape: Shape, of serial: Int) {
    check(serial)
    if let before = innermost.shape {
      precondition(before == shape && shape != .single, "a value is encoded as one thing")
      innermost.isShared = true
      return
    }
    innermost.shape = shape
    guard shape != .single else { return }
    bytes.append(integer: shape == .fields ? Tag.fields : Tag.list)
    if !isWholeRecord(innermost) { bytes.append(integer: UInt8(0)) }
  }

  /// Ends the innermost value: inserts what waited for that, and fills in the count of its bytes.
  mutating func endValue(_ serial: Int, _ record: EncodingRecord) {
    check(serial)
    if innermost.shape == nil { setShape(.fields, of: serial) }
    let value = innermost
    innermost = around.removeLast()
    if nested.count > value.nestedBefore { insertNested(from: value.nestedBefore, record) }
    if value.shape == .single {
      if bytes.count == value.start { bytes.append(integer: Tag.null) }
    } else if !isWholeRecord(value) {
      fillInCount(at: value.start + 1)
    }
  }

  /// Ends the innermost value, whose encoding failed: nothing is left of it.
  mutating func abandonValue(_ serial: Int, _ record: EncodingRecord) {
    check(serial)
    let value = innermost
    innermost = around.removeLast()
    while nested.count > value.nestedBefore { record.recycle(nested.removeLast().segment) }
    bytes.truncate(to: value.start)
  }

  /// Ends the segment's own value.
  private mutating func end(_ record: EncodingRecord) {
    endValue(innermost.serial, record)
  }

  /// Makes sure that a container may be written to (RE1).
  func check(_ serial: Int) {
    precondition(
      serial == innermost.serial, "a container is written to while its own value is encoded")
  }

  /// Makes sure that the only value of a container is not written yet.
  func checkSingle(_ serial: Int) {
    check(serial)
    precondition(bytes.count == innermost.start, "a single value is encoded once")
  }

  /// Begins a field.
  mutating func beginField(_ name: NameTable.Entry, of serial: Int, _ record: EncodingRecord) {
    check(serial)
    let (slot, home): (UInt64, UInt64) = (1 << UInt64(name.slot), 1 << UInt64(name.home))
    if innermost.homes & home != 0, innermost.slots & slot != 0 || record.hasLostNames,
      innermost.isShared || innermost.fieldCount <= Self.fewFields
    {
      removeField(record.numbers(ofSameNameAs: name.number), record)
    }
    innermost.slots |= slot
    innermost.homes |= home
    innermost.fieldStart = bytes.count
    innermost.fieldCount += 1
    if name.number < 128 { return bytes.append(integer: UInt8(name.number)) }
    bytes.append(varint: UInt64(name.number))
  }

  /// One container with more fields is a dictionary's, whose keys are different by nature.
  private static var fewFields: Int { 64 }

  /// Takes back the field that was begun last, whose value failed.
  mutating func abandonField(of serial: Int) {
    check(serial)
    bytes.truncate(to: innermost.fieldStart)
    innermost.fieldCount -= 1
  }

  /// Removes the field that has one of these names from the innermost value, if there is one (RE5).
  private mutating func removeField(_ numbers: [Int], _ record: EncodingRecord) {
    let value = innermost
    var place = value.nestedBefore
    var start = value.start + (isWholeRecord(value) ? 1 : 2)
    while start < bytes.count {
      var reader = ByteReader(bytes.view, at: start)
      guard let number = reader.varint() else { preconditionFailure("a field without a name") }
      // The value is a segment's that waits, or is there.
      let isNested = place < nested.count && nested[place].position == reader.offset
      let end =
        isNested
        ? reader.offset : RecordFormat.endOfValue(at: reader.offset, in: bytes.view)
      guard numbers.contains(Int(number)) else {
        start = end
        if isNested { place += 1 }
        continue
      }
      if isNested {
        record.failure = "a nested container is asked for again under the key of another field"
        return
      }
      bytes.remove(start..<end)
      for later in place..<nested.count { nested[later].position -= end - start }
      return
    }
  }

  mutating func removeAll() {
    bytes.removeAll()
    if bytes.capacity > RecordFormat.keptByteCount { bytes = ByteBuffer(capacity: 256) }
    if !keys.isEmpty { keys.removeAll(keepingCapacity: true) }
    if !around.isEmpty { around.removeAll(keepingCapacity: true) }
    if !nested.isEmpty { nested.removeAll(keepingCapacity: true) }
    if origin != nil { origin = nil }
    isRoot = true
    outerDepth = 0
    innermost = .none
  }

  /// A value that extends to the record's end has no count.
  private func isWholeRecord(_ value: OpenValue) -> Bool {
    isRoot && value.start == 0
  }

  private mutating func insertNested(from first: Int, _ record: EncodingRecord) {
    for (position, segment) in nested[first...].reversed() {
      segment.state.end(record)
      bytes.insert(segment.state.bytes.view, at: position)
      record.recycle(segment)
    }
    nested.removeLast(nested.count - first)
  }

  /// Writes how many bytes follow the byte at `place`; few fit into that byte.
  private mutating func fillInCount(at place: Int) {
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
