internal import Environment
internal import RawBytes
internal import RedoLog

/// What the files of a database look like from outside, so that an engine that let them go can tell
/// whether somebody else has opened them since.
///
/// Whoever opens a database writes an opening batch behind the newest one of the log, in the segment
/// where that lies or at the head of another; and every checkpoint writes a superblock. So names and
/// sizes of all segments, their first two blocks, the block where the next batch goes, and the
/// superblocks tell it.
struct DirectoryFingerprint: Hashable {
  private var parts: [String] = []

  /// Bytes of a segment's header and of the first block behind it.
  private static let headByteCount = 8192
  private static let superblocksByteCount = 16384
  private static let blockByteCount = 4096

  init(of directory: String, tail: (name: String, offset: UInt64), files: any FileSystem)
    throws(FileError)
  {
    for name in try files.list(directory) where name.hasPrefix(DatabaseFile.logPrefix) {
      let file = try files.open(directory + "/" + name, FileMode(isWritable: false))
      parts.append("\(name) \(try file.size())")
      try note(file, at: 0, Self.headByteCount)
    }
    let log = try files.open(tail.name, FileMode(isWritable: false))
    try note(log, at: tail.offset, Self.blockByteCount)
    let data = try files.open(directory + "/" + DatabaseFile.data, FileMode(isWritable: false))
    try note(data, at: 0, Self.superblocksByteCount)
  }

  private mutating func note(_ file: any File, at offset: UInt64, _ byteCount: Int)
    throws(FileError)
  {
    let memory = AlignedMemory(byteCount: byteCount, alignment: 4096)
    let count = try file.read(into: memory.bytes, at: offset)
    parts.append("\(count) \(CRC32C.checksum(memory.bytes.view.prefix(count)))")
  }
}
