internal import RawBytes

/// A record while it is encoded: the names of its fields, and its segments.
///
/// Like its segments this is a handle of memory that is used again and never freed, so that the
/// copies that `Codable` makes of encoders and containers count no references.
// SAFETY: the memory is never freed (RE6); `MemoryPool` is where it waits.
@safe
struct EncodingRecord: PooledMemory {
  private let state: UnsafeMutablePointer<State>

  private struct State: ~Copyable {
    var names = NameTable()
    var serial = 0
    var failure: String?
    var idle: [EncodingSegment] = []
  }

  static let left = LeftMemory()

  init() {
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: State())
  }

  init(bits: UInt) { unsafe state = pointer(bits) }

  var bits: UInt { unsafe UInt(bitPattern: state) }

  /// Why the record cannot be encoded: found where nothing can be thrown.
  var failure: String? {
    get { unsafe state.pointee.failure }
    nonmutating set { unsafe state.pointee.failure = newValue }
  }

  func nextSerial() -> Int {
    unsafe state.pointee.serial += 1
    return unsafe state.pointee.serial
  }

  /// The number of a field's name.
  func name(_ name: String) -> NameTable.Entry {
    var name = name
    return name.withUTF8 { utf8 in
      unsafe state.pointee.names.entry(of: ByteView(UnsafeRawBufferPointer(utf8)))
    }
  }

  /// Whether a name may have several numbers (NT1).
  var hasLostNames: Bool { unsafe state.pointee.names.hasLost }

  /// All numbers that a numbered name has.
  func numbers(ofSameNameAs number: Int) -> [Int] {
    unsafe state.pointee.names.numbers(ofSameNameAs: number)
  }

  /// A segment with nothing in it.
  func segment() -> EncodingSegment {
    unsafe state.pointee.idle.popLast() ?? EncodingSegment()
  }

  func recycle(_ segment: EncodingSegment) {
    segment.removeAll()
    unsafe state.pointee.idle.append(segment)
  }

  /// Encodes a record into a writer.
  func encode<Value: Encodable>(_ value: Value, into writer: inout RecordWriter) throws {
    let root = segment()
    defer { removeAll(root) }
    try append(value, to: root, at: nil)
    if let failure { throw Self.error(failure, value, at: []) }
    let names = unsafe state.pointee.names.bytes.view
    let values = root.state.bytes.view
    writer.buffer.reserve(names.count + values.count + 11)
    writer.buffer.append(integer: RecordFormat.version)
    writer.buffer.append(counted: names)
    writer.buffer.append(values)
  }

  /// Appends a value, whatever it is. When its `encode(to:)` throws nothing is left of it: whoever
  /// catches the error may go on.
  func append<Value: Encodable>(
    _ value: Value, to segment: EncodingSegment, at key: (any CodingKey)?
  ) throws {
    if segment.state.appendNative(value) { return }
    if let key { segment.state.keys.append(key) }
    let serial = segment.state.beginValue(self)
    do {
      // Thrown here, and not at the end only: the stack would end before.
      if let failure { throw Self.error(failure, value, at: segment.codingPath) }
      try value.encode(to: BinaryEncoder(record: self, segment: segment, serial: serial))
      segment.state.endValue(serial, self)
      if key != nil { segment.state.keys.removeLast() }
    } catch {
      segment.state.abandonValue(serial, self)
      if key != nil { segment.state.keys.removeLast() }
      throw error
    }
  }

  private static func error(
    _ failure: String, _ value: Any, at path: [any CodingKey]
  ) -> EncodingError {
    .invalidValue(value, .init(codingPath: path, debugDescription: failure))
  }

  private func removeAll(_ root: EncodingSegment) {
    recycle(root)
    unsafe state.pointee.names.removeAll()
    if failure != nil { failure = nil }
  }
}
