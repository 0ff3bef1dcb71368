internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import VersionStore

extension ReadContext {
  /// How many bytes a key's committed value has; nil when it is absent.
  func byteCount(of key: ByteView, in keyspace: KeyspaceID) throws(DatabaseError) -> Int? {
    try withScratch { (level) throws(DatabaseError) in
      guard let found = try find(key, in: keyspace, copyingTo: level) else { return nil }
      return found.overflow.map { Int($0.byteCount) } ?? found.valueRange.count
    }
  }

  /// The commit that wrote a key's value; nil when it is absent.
  func timestamp(of key: ByteView, in keyspace: KeyspaceID) throws(DatabaseError) -> Timestamp? {
    try withScratch { (level) throws(DatabaseError) in
      try find(key, in: keyspace, copyingTo: level)?.timestamp
    }
  }

  /// Part of a key's committed value; nil when it is absent.
  func read(_ key: ByteView, in keyspace: KeyspaceID, offset: Int, count: Int)
    throws(DatabaseError) -> [UInt8]?
  {
    try withScratch { (level) throws(DatabaseError) in
      guard let found = try find(key, in: keyspace, copyingTo: level) else { return nil }
      if let overflow = found.overflow {
        return try piece(of: overflow, offset: offset, count: count)
      }
      let value = level.bytes.view[found.valueRange]
      return value[try Self.clip(offset, count, to: value.count)].array
    }
  }

  /// Part of a large value.
  func piece(of reference: OverflowReference, offset: Int, count: Int) throws(DatabaseError)
    -> [UInt8]
  {
    let range = try Self.clip(offset, count, to: Int(reference.byteCount))
    var bytes = ByteBuffer(capacity: range.count)
    bytes.append(zeros: range.count)
    try readLarge(
      reference, from: UInt64(range.lowerBound), into: bytes.mutableView, at: snapshot)
    return bytes.view.array
  }

  /// The part of a value that a caller asked for and that exists.
  static func clip(_ offset: Int, _ count: Int, to byteCount: Int) throws(DatabaseError)
    -> Range<Int>
  {
    guard offset >= 0, count >= 0 else {
      throw DatabaseError(
        .invalidArgument, "offset \(offset) and count \(count) must not be negative")
    }
    let start = min(offset, byteCount)
    return start..<start + min(count, byteCount - start)
  }
}
