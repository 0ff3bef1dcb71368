internal import Environment
internal import Primitives
internal import RawBytes

/// The two copies of a node's promises.
///
/// Both are written with each change, one after the other and each made durable: so at any moment at
/// least one is whole, and once a change is acknowledged damage of either costs nothing. Writing them
/// in turns would be cheaper and wrong: what is damaged may be the newer one, and the older one says
/// nothing of the newest promise.
///
/// Each opening writes both anew under other names. So after a write or sync that failed, the file
/// that failed is never written again (a failed sync is final): its owner stops and opens again.
///
/// - Invariant PF1: a change is on the medium twice when `write` returns.
// SENDABLE: used by one thread at a time: the one that opens, then the log's.
final class PromiseFiles: @unchecked Sendable {
  private let effects: Effects
  private let directory: String
  private var files: [any File] = []

  static let names = ["promises-a", "promises-b"]
  private static let mode = FileMode(isDataSynchronous: true, isDirect: true)

  init(directory: String, effects: Effects) {
    self.directory = directory
    self.effects = effects
  }

  /// The newest sound copy; nil when none is.
  static func read(_ directory: String, _ effects: Effects) throws(NodeError) -> PromiseTable? {
    var newest: PromiseTable?
    for name in names {
      let path = FilePath.join(directory, name)
      let bytes: [UInt8]
      do { bytes = try contents(path, effects) } catch {
        // A file that cannot be read is as good as a damaged one, while the other can be.
        effects.events.report(
          Event(.warning, kind: .replication, "\(path) could not be read: \(error)"))
        continue
      }
      do {
        let table = try bytes.withByteView { (view) throws(CorruptionError) in
          try PromiseTable(decoding: view)
        }
        if newest.map({ $0.sequence < table.sequence }) ?? true { newest = table }
      } catch {
        effects.events.report(Event(.warning, kind: .replication, "\(error.placed(in: path))"))
      }
    }
    return newest
  }

  /// All the bytes of a small file; none when it is absent.
  static func contents(_ path: String, _ effects: Effects) throws(FileError) -> [UInt8] {
    guard try effects.files.kind(of: path) == .file else { return [] }
    let file = try effects.files.open(path, FileMode(isWritable: false, isDirect: true))
    let size = Int(min(try file.size(), 1 << 24))
    let block = PromiseTable.blockByteCount
    let memory = AlignedMemory(byteCount: (size + block - 1) / block * block)
    var count = 0
    while count < size {
      let step = try file.read(into: memory.bytes[count..<memory.count], at: UInt64(count))
      if step == 0 || step % block != 0 {
        count += step
        break
      }
      count += step
    }
    return memory.bytes[0..<min(count, size)].view.array
  }

  /// Both copies as new files, which from then on are the ones that `write` changes.
  func rewrite(_ table: PromiseTable) throws(NodeError) {
    try fileWork { () throws(FileError) in
      files = []
      for name in Self.names {
        let path = FilePath.join(directory, name)
        let temporary = path + ".new"
        if try effects.files.kind(of: temporary) == .file { try effects.files.remove(temporary) }
        let file = try effects.files.open(
          temporary, FileMode(creation: .always, isDirect: true))
        try Self.put(table.encoded, file)
        try file.sync(.full)
        try effects.files.rename(temporary, to: path)
        try effects.files.syncDirectory(directory)
        files.append(try effects.files.open(path, Self.mode))
      }
    }
  }

  /// Writes a change to both copies.
  func write(_ table: PromiseTable) throws(NodeError) {
    precondition(files.count == 2, "promises are rewritten when a node is opened")
    let bytes = table.encoded
    try fileWork { () throws(FileError) in
      for file in files {
        try Self.put(bytes, file)
        if !file.isDataSynchronous { try file.sync(.full) }
      }
    }
  }

  private static func put(_ bytes: [UInt8], _ file: any File) throws(FileError) {
    let memory = AlignedMemory(byteCount: bytes.count)
    bytes.withByteView { memory.bytes.copy($0) }
    try file.write(memory.bytes.view, at: 0)
  }
}
