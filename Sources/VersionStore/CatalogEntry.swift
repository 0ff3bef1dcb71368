package import Primitives
package import RawBytes

/// The bytes of the catalog: the tree of keyspace 0 (`format-spec/catalog.md`).
///
/// The key is the keyspace id, four bytes big-endian, so that the order of keys is the order of
/// ids. The value is a list of fields, each a tag, a counted length and bytes, ascending by tag.
package struct CatalogEntry: Equatable, Sendable {
  package let name: String
  package let state: KeyspaceState
  package let options: [UInt8]

  static let nameTag: UInt8 = 1
  static let stateTag: UInt8 = 2
  static let optionsTag: UInt8 = 3
  /// A field with this bit may be skipped by an engine that does not know it.
  static let ignorableBit: UInt8 = 0x80
  /// The longest name, in bytes of UTF-8.
  package static let maximumNameByteCount = 255

  package init(name: String, state: KeyspaceState, options: [UInt8] = []) {
    self.name = name
    self.state = state
    self.options = options
  }

  package static func key(of id: KeyspaceID) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: id.rawValue >> (24 - 8 * $0)) }
  }

  package static func id(fromKey key: ByteView) -> KeyspaceID? {
    guard key.count == 4 else { return nil }
    return KeyspaceID(UInt32(bigEndian: key.load(UInt32.self, at: 0).littleEndian))
  }

  package var encoded: [UInt8] {
    var buffer = ByteBuffer()
    func append(_ tag: UInt8, _ bytes: [UInt8]) {
      buffer.append(integer: tag)
      bytes.withByteView { buffer.append(counted: $0) }
    }
    append(Self.nameTag, [UInt8](name.utf8))
    append(Self.stateTag, [state.rawValue])
    if !options.isEmpty { append(Self.optionsTag, options) }
    return buffer.view.array
  }

  package init(decoding bytes: ByteView) throws(CorruptionError) {
    var reader = ByteReader(bytes)
    var name: String?
    var state: KeyspaceState?
    var options: [UInt8] = []
    var previousTag: UInt8 = 0
    func corrupt(_ expected: String, _ found: String) -> CorruptionError {
      CorruptionError(
        location: "catalog entry, offset \(reader.offset)", expected: expected, found: found)
    }
    while reader.remaining > 0 {
      guard let tag = reader.integer(UInt8.self), let field = reader.counted() else {
        throw corrupt("a field", "\(reader.remaining) bytes that are none")
      }
      guard tag > previousTag else { throw corrupt("a tag above \(previousTag)", "tag \(tag)") }
      previousTag = tag
      switch tag {
      case Self.nameTag:
        guard let text = String(validating: field.array, as: UTF8.self),
          (1...Self.maximumNameByteCount).contains(field.count)
        else { throw corrupt("a name", "\(field.count) bytes that are none") }
        name = text
      case Self.stateTag:
        guard field.count == 1, let known = KeyspaceState(rawValue: field[0]) else {
          throw corrupt("a state", "\(field.count) bytes that are none")
        }
        state = known
      case Self.optionsTag:
        guard field.count > 0 else { throw corrupt("options", "an empty field") }
        options = field.array
      default:
        guard tag & Self.ignorableBit != 0 else {
          throw corrupt("a known tag", "tag \(tag)")
        }
      }
    }
    guard let name, let state else { throw corrupt("a name and a state", "one missing") }
    self.init(name: name, state: state, options: options)
  }
}
