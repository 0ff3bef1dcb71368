internal import RawBytes

/// The names of a record's fields, kept for the records that follow, of which many have the same.
///
/// Beside each name lies the text by which it was asked for last. The bits of two texts that are both
/// alive are the same only if the texts are; so the field that is expected is recognized by two
/// comparisons of words, and its bytes are looked at only the first time.
///
/// - Invariant FN1: `names` are those of `table`, and each lies within it.
/// - Invariant FN2: whoever bits are of is kept alive by `texts`. `askedBits` are of a text that has
///   the name's bytes, `absentBits` of one whose bytes are no name's.
struct FieldNames: ~Copyable {
  /// Where a name lies in the table.
  private struct Name {
    let offset: UInt32
    let byteCount: UInt32
  }

  private typealias TextBits = (UInt64, UInt64)

  private(set) var table = ByteBuffer(capacity: 64)
  private var names: [Name] = []
  private var askedBits: [TextBits] = []
  private var absentBits: [TextBits] = []
  private var texts: [String] = []

  /// Names beyond these are rare, and looked up by their bytes.
  private static var knownLimit: Int { 64 }
  /// Texts kept are at most these: those of dictionaries may be new with every record.
  private static var textLimit: Int { 192 }
  /// Memory for more is not kept.
  private static var keptLimit: Int { 1024 }
  /// Whether a text is two words.
  private static var hasTextBits: Bool { MemoryLayout<String>.size == MemoryLayout<TextBits>.size }

  /// How many there are.
  var count: Int { names.count }

  /// Whether it takes memory that few need.
  var isLarge: Bool { names.count > Self.keptLimit || table.capacity > RecordFormat.keptByteCount }

  /// The bytes of a name.
  subscript(number: Int) -> ByteView {
    let name = names[number]
    return table.view[Int(name.offset)..<Int(name.offset) + Int(name.byteCount)]
  }

  /// Reads a record's names instead of those it had. When it throws there are none.
  ///
  /// - Parameter offset: where they begin in the record, for messages.
  mutating func read(_ bytes: ByteView, at offset: Int) throws(ValueError) {
    removeAll()
    var reader = ByteReader(bytes)
    while reader.remaining > 0 {
      let start = reader.offset
      guard let name = reader.counted() else {
        removeAll()
        throw .bytes(offset + start, .endsEarly)
      }
      names.append(
        Name(offset: UInt32(reader.offset - name.count), byteCount: UInt32(name.count)))
    }
    table.append(bytes)
    let knownCount = Self.hasTextBits ? min(names.count, Self.knownLimit) : 0
    askedBits.append(contentsOf: repeatElement((0, 0), count: knownCount))
  }

  /// Whether a name is the one that was asked for by this text before.
  @inline(__always)
  func isKnown(_ number: Int, as text: borrowing String) -> Bool {
    number < askedBits.count && askedBits[number] == Self.bits(text)
  }

  /// Whether this text was asked for before, and is no name.
  func isKnownAbsent(_ text: borrowing String) -> Bool {
    guard !absentBits.isEmpty else { return false }
    let bits = Self.bits(text)
    return absentBits.contains { $0 == bits }
  }

  /// Notes by which text, which has its bytes, a name is asked for.
  mutating func setKnown(_ number: Int, as text: String) {
    guard number < askedBits.count, keep(text) else { return }
    askedBits[number] = Self.bits(text)
  }

  /// Notes that a text was asked for and found in no field, if no name has its bytes.
  mutating func setAbsent(_ text: String, _ bytes: ByteView) {
    guard Self.hasTextBits, !names.indices.contains(where: { self[$0] == bytes }), keep(text)
    else { return }
    absentBits.append(Self.bits(text))
  }

  /// Keeps a text alive. When there are too many all are given up.
  private mutating func keep(_ text: String) -> Bool {
    if texts.count >= Self.textLimit {
      for number in askedBits.indices { askedBits[number] = (0, 0) }
      absentBits.removeAll(keepingCapacity: true)
      texts.removeAll(keepingCapacity: true)
    }
    texts.append(text)
    return true
  }

  // SAFETY: read as bits only, and only where the sizes are the same.
  @inline(__always)
  private static func bits(_ text: borrowing String) -> TextBits {
    unsafe unsafeBitCast(copy text, to: TextBits.self)
  }

  private mutating func removeAll() {
    table.removeAll()
    names.removeAll(keepingCapacity: true)
    askedBits.removeAll(keepingCapacity: true)
    absentBits.removeAll(keepingCapacity: true)
    texts.removeAll(keepingCapacity: true)
  }
}

/// The tables of names that were met last: records of one type whose optional fields are there or not
/// have several.
// SAFETY: the memory is allocated as long as this is, and `current` is less than `count`.
@safe
struct RecentFieldNames: ~Copyable {
  private static var count: Int { 8 }

  private let tables: UnsafeMutablePointer<FieldNames>
  private var index = 0
  private var newest = 0

  init() {
    unsafe tables = .allocate(capacity: Self.count)
    for index in 0..<Self.count { unsafe (tables + index).initialize(to: FieldNames()) }
  }

  deinit {
    unsafe tables.deinitialize(count: Self.count)
    unsafe tables.deallocate()
  }

  /// The names of the record at hand.
  var current: FieldNames {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(tables + index) }
    @inline(__always) unsafeMutableAddress { unsafe tables + index }
  }

  /// Makes the table of a record the current one.
  @inline(__always)
  mutating func read(_ bytes: ByteView, at offset: Int) throws(ValueError) {
    if current.table.view != bytes { try readOther(bytes, at: offset) }
  }

  @inline(never)
  private mutating func readOther(_ bytes: ByteView, at offset: Int) throws(ValueError) {
    for other in 0..<Self.count where unsafe tables[other].table.view == bytes {
      index = other
      return
    }
    newest = (newest + 1) % Self.count
    index = newest
    try current.read(bytes, at: offset)
  }

  /// Gives back memory that only a record with very many names needed.
  mutating func shrink() { if current.isLarge { current = FieldNames() } }
}

/// Where to look first for the next field: one cursor for each depth.
///
/// Of several sets of fields that are read by turns at one depth the last has the cursor, and the
/// others are searched from their beginnings.
///
/// - Invariant FC1: a cursor is of the record at hand, and stands at the beginning of a field or at
///   the end: whoever asks has set it for this record, or somebody has after that.
struct FieldCursors: ~Copyable {
  /// For each depth where the fields begin, and where to look: 32 bits each.
  private let memory = AlignedMemory(byteCount: 8 * (RecordFormat.depthLimit + 1))

  /// Where to look first.
  @inline(__always)
  func offset(at depth: Int, ofFieldsAt start: Int) -> Int {
    let cursor = memory.bytes.load(UInt64.self, at: 8 * depth)
    return Int(cursor >> 32) == start ? Int(cursor & 0xffff_ffff) : start
  }

  @inline(__always)
  func set(_ offset: Int, at depth: Int, ofFieldsAt start: Int) {
    memory.bytes.store(UInt64(start) << 32 | UInt64(offset), at: 8 * depth)
  }
}
