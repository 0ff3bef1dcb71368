internal import RawBytes

/// The names of fields that a record uses, in order of first use.
///
/// What was met before is found by a small table of names. Where a neighbourhood of it is full, a name
/// takes another's place; one that the table has lost is written once more: rare, harmless, and the
/// same each time for the same record.
///
/// - Invariant NT1: as long as no name was lost, one name has one number and one place.
struct NameTable: ~Copyable {
  /// A name's number, its place in the small table, and where it would stand in an empty one: names
  /// of different homes are different.
  struct Entry {
    let number: Int
    let slot: Int
    let home: Int
  }

  /// The names as the record has them: each after its count.
  var bytes: ByteBuffer
  private var count = 0
  private let slots: AlignedMemory

  /// Whether the table has lost a name of this record.
  private(set) var hasLost = false

  private static let slotCount = 64
  /// Places in which a name may stand.
  private static let neighbourCount = 8

  init() {
    bytes = ByteBuffer(capacity: 256)
    slots = AlignedMemory(byteCount: Self.slotCount * 8)
  }

  mutating func removeAll() {
    guard count > 0 else { return }
    bytes.removeAll()
    if bytes.capacity > RecordFormat.keptByteCount { bytes = ByteBuffer(capacity: 256) }
    count = 0
    hasLost = false
    slots.bytes.zero(0..<slots.count)
  }

  /// The number of a name, which is given one when it has none.
  mutating func entry(of name: ByteView) -> Entry {
    let first = Self.slot(of: name)
    for distance in 0..<Self.neighbourCount {
      let index = (first + distance) % Self.slotCount
      // A slot holds where a name lies (32 bits, 0 for nowhere), its length and its number (16 each).
      let slot = slots.bytes.load(UInt64.self, at: index * 8)
      let start = Int(slot & 0xffff_ffff)
      if start == 0 { return add(name, at: index, first) }
      if Int(slot >> 32 & 0xffff) == name.count, bytes.view[start..<start + name.count] == name {
        return Entry(number: Int(slot >> 48), slot: index, home: first)
      }
    }
    hasLost = true
    return add(name, at: first, first)
  }

  private mutating func add(_ name: ByteView, at index: Int, _ home: Int) -> Entry {
    bytes.append(counted: name)
    let number = count
    count += 1
    let offset = bytes.count - name.count
    if name.count < 1 << 16, number < 1 << 16, offset < 1 << 32 {
      let entry = UInt64(offset) | UInt64(name.count) << 32 | UInt64(number) << 48
      slots.bytes.store(entry, at: index * 8)
    } else {
      hasLost = true
    }
    return Entry(number: number, slot: index, home: home)
  }

  /// All numbers that a numbered name has: more than one when the table has lost it.
  func numbers(ofSameNameAs number: Int) -> [Int] {
    var names: [ByteView] = []
    var reader = ByteReader(bytes.view)
    while let name = reader.counted() { names.append(name) }
    return names.indices.filter { names[$0] == names[number] }
  }

  private static func slot(of name: ByteView) -> Int {
    var hash = UInt64(truncatingIfNeeded: name.count)
    if name.count >= 8 {
      hash ^= name.load(UInt64.self, at: 0)
      hash &*= 0x9e37_79b9_7f4a_7c15
      hash ^= name.load(UInt64.self, at: name.count - 8)
    } else {
      for index in 0..<name.count { hash = hash << 8 ^ UInt64(name[index]) }
    }
    hash &*= 0x9e37_79b9_7f4a_7c15
    return Int(hash >> 58)
  }
}
