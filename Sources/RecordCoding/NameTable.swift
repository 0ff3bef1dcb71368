internal import RawBytes

/// The names of fields that a record uses, in order of first use.
///
/// What was met before is found by a small table of recent names. A name that the table has lost
/// is written once more: rare, harmless, and the same each time for the same record.
struct NameTable: ~Copyable {
  /// The names as the record has them: each after its count.
  var bytes: ByteBuffer
  private var count = 0
  private let slots: AlignedMemory

  private static let slotCount = 64

  init() {
    bytes = ByteBuffer(capacity: 256)
    slots = AlignedMemory(byteCount: Self.slotCount * 8)
  }

  mutating func removeAll() {
    guard count > 0 else { return }
    bytes.removeAll()
    count = 0
    slots.bytes.zero(0..<slots.count)
  }

  /// The number of a name, which is given one when it has none.
  mutating func number(of name: ByteView) -> Int {
    let place = Self.slot(of: name) * 8
    // A slot holds where a name lies (32 bits, 0 for nowhere), its length and its number (16 each).
    let slot = slots.bytes.load(UInt64.self, at: place)
    let start = Int(slot & 0xffff_ffff)
    if start > 0, Int(slot >> 32 & 0xffff) == name.count,
      bytes.view[start..<start + name.count] == name
    {
      return Int(slot >> 48)
    }
    bytes.append(counted: name)
    let number = count
    count += 1
    let offset = bytes.count - name.count
    if name.count < 1 << 16, number < 1 << 16, offset < 1 << 32 {
      let entry = UInt64(offset) | UInt64(name.count) << 32 | UInt64(number) << 48
      slots.bytes.store(entry, at: place)
    }
    return number
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
