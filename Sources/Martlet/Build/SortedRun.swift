internal import BTreeIndex
internal import Environment
internal import Primitives
internal import RawBytes

/// Sorted records in a file of their own, which goes with the last reference to it.
///
/// ```text
///  block:  │ byte count 4 │ CRC32C of the records 4 │ records … │
/// ```
final class SortedRun {
  let file: any File
  let byteCount: UInt64
  private let files: any FileSystem

  /// A block ends with the record that fills it up to here.
  static let blockByteCount = 64 << 10
  static let blockHeaderByteCount = 8
  /// No block is longer: a last record of the largest page at most.
  static let longestBlock = blockByteCount + (1 << 17)

  init(file: any File, byteCount: UInt64, files: any FileSystem) {
    self.file = file
    self.byteCount = byteCount
    self.files = files
  }

  // What cannot be removed now, the next opening removes.
  deinit { try? files.remove(file.path) }
}

/// Writes a run, a block at a time. Unfinished, its file is removed.
final class RunWriter {
  private let file: any File
  private let files: any FileSystem
  private var block = ByteBuffer(capacity: SortedRun.blockByteCount + 4096)
  private var offset: UInt64 = 0
  private var isFinished = false

  init(path: String, effects: Effects) throws(DatabaseError) {
    files = effects.files
    do { file = try files.open(path, FileMode(creation: .always)) } catch {
      throw DatabaseError(error)
    }
    beginBlock()
  }

  deinit { if !isFinished { try? files.remove(file.path) } }

  func append(_ record: SortRecord) throws(DatabaseError) {
    let start = block.count
    block.append(zeros: record.byteCount)
    record.encode(into: block.mutableView[start..<block.count])
    if block.count >= SortedRun.blockByteCount { try flush() }
  }

  func finish() throws(DatabaseError) -> SortedRun {
    if block.count > SortedRun.blockHeaderByteCount { try flush() }
    isFinished = true
    return SortedRun(file: file, byteCount: offset, files: files)
  }

  private func beginBlock() {
    block.removeAll()
    block.append(zeros: SortedRun.blockHeaderByteCount)
  }

  private func flush() throws(DatabaseError) {
    let records = block.view.dropFirst(SortedRun.blockHeaderByteCount)
    block.mutableView.store(UInt32(records.count), at: 0)
    block.mutableView.store(CRC32C.checksum(records), at: 4)
    do { try file.write(block.view, at: offset) } catch { throw DatabaseError(error) }
    offset += UInt64(block.count)
    beginBlock()
  }
}
