internal import Environment
internal import RawBytes

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// An open file of a simulated disk. The rules are those of `SimulatedDisk` (J1 to J4).
final class SimulatedFile: File, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  let path: String
  private let disk: SimulatedDisk
  private let number: Int
  private let mode: FileMode

  init(disk: SimulatedDisk, number: Int, path: String, mode: FileMode) {
    self.disk = disk
    self.number = number
    self.path = path
    self.mode = mode
  }

  deinit { disk.image.files[number]?.handleCount -= 1 }

  var isDataSynchronous: Bool { mode.isDataSynchronous }

  func read(into bytes: MutableByteView, at offset: UInt64) throws(FileError) -> Int {
    checkAlignment(bytes.view, offset)
    let effect = try disk.begin(.read, path, offset, UInt64(bytes.count))
    try disk.failIfAsked(effect, .read, path)
    let count = content.read(into: bytes, at: offset, isDirect: mode.isDirect)
    disk.noteRead(count)
    if let effect {
      let isShown = disk.damage(bytes[0..<count], at: offset, of: content, effect)
      isShown ? disk.note(effect.kind) : disk.postpone(effect)
    }
    return count
  }

  func write(_ bytes: ByteView, at offset: UInt64) throws(FileError) {
    checkAlignment(bytes, offset)
    let effect = try disk.begin(
      .write, path, offset ^ Hash64.hash(bytes, seed: 0), UInt64(bytes.count),
      isDurable: mode.isDataSynchronous)
    try requireWritable(.write)
    var failure: Int32?
    var fitting = bytes
    switch effect {
    case .fails(let error):
      // A buffered write fails before it changes anything. A synchronous one fails on its way to
      // the medium, and leaves behind pages that claim to be clean (rule F1).
      guard mode.isDataSynchronous else { throw disk.fail(.write, path, error) }
      put(bytes, at: offset)
      try disk.passChange(.write, path)
      change { content, _ in content.loseDirty(offset..<offset + UInt64(bytes.count)) }
      disk.image.forgetPending(of: number, offset..<offset + UInt64(bytes.count))
      throw disk.fail(.write, path, error)
    case .failsHalfway(let error):
      failure = error
      fitting = bytes.prefix(disk.faultChance.below(bytes.count + 1))
    default: break
    }
    let room = prefixThatFits(fitting.count, at: offset)
    if room < fitting.count {
      fitting = fitting.prefix(room)
      failure = ENOSPC
      disk.note(.full)
      if let effect, effect.isSilentOnWrites { disk.postpone(effect) }
    }
    let pieces = land(fitting, at: offset, failure == nil ? effect : nil)
    disk.noteWritten(fitting.count)
    try disk.passChange(.write, path)
    if mode.isDataSynchronous {
      if effect != .lies {
        for piece in pieces {
          change { content, _ in content.settle(piece) }
          disk.image.forgetPending(of: number, piece)
        }
        change { content, _ in content.settleSize() }
      }
      disk.endDurable()
    }
    if let failure { throw disk.fail(.write, path, failure) }
  }

  /// Writes bytes where they belong, or where a fault puts them. Returns where they are.
  private func land(
    _ bytes: ByteView, at offset: UInt64, _ effect: Fault.Effect?
  ) -> [Range<UInt64>] {
    let range = offset..<offset + UInt64(bytes.count)
    var stray: StrayPiece?
    switch effect {
    case .dropsWrite? where content.differs(from: bytes, at: offset):
      disk.note(.droppedWrite)
      change { content, _ in content.extend(to: range.upperBound) }
      disk.image.recordPending(number, .extend(range.upperBound))
      return []
    case .misdirectsWrite?:
      stray = StrayPiece(
        of: bytes, at: offset, content: content, freeBlockCount: disk.image.freeBlockCount,
        &disk.faultChance)
    default: break
    }
    guard let stray else {
      if let effect, effect.isSilentOnWrites { disk.postpone(effect) }
      put(bytes, at: offset)
      return [range]
    }
    disk.note(.misdirectedWrite)
    let before = range.lowerBound..<stray.source.lowerBound
    let after = stray.source.upperBound..<range.upperBound
    for piece in [before, after] where !piece.isEmpty {
      put(part(piece), at: piece.lowerBound)
    }
    change { content, _ in content.extend(to: range.upperBound) }
    disk.image.recordPending(number, .extend(range.upperBound))
    put(part(stray.source), at: stray.target.lowerBound)
    return [before, after, stray.target].filter { !$0.isEmpty }

    func part(_ piece: Range<UInt64>) -> ByteView {
      bytes[Int(piece.lowerBound - offset)..<Int(piece.upperBound - offset)]
    }
  }

  func sync(_ grade: SyncGrade) throws(FileError) {
    let effect = try disk.begin(.sync, path, grade == .full ? 1 : 0, isDurable: true)
    try disk.passChange(.sync, path)
    switch effect {
    case .fails(let error), .failsHalfway(let error):
      change { content, _ in content.loseDirty() }
      disk.image.forgetPending(of: number)
      throw disk.fail(.sync, path, error)
    case .lies: break
    default:
      change { content, _ in content.settleAll() }
      disk.image.forgetPending(of: number)
    }
    disk.endDurable()
  }

  func size() throws(FileError) -> UInt64 {
    try disk.failIfAsked(disk.begin(.size, path), .size, path)
    return content.size
  }

  func allocatedSize() throws(FileError) -> UInt64 {
    try disk.failIfAsked(disk.begin(.size, path), .size, path)
    return UInt64(content.allocatedBlockCount * FileContent.blockByteCount)
  }

  func truncate(to size: UInt64) throws(FileError) {
    try disk.failIfAsked(disk.begin(.truncate, path, size), .truncate, path)
    try requireWritable(.truncate)
    change { content, _ in content.truncate(to: size) }
    disk.image.recordPending(number, .resize(size))
    try disk.passChange(.truncate, path)
  }

  func allocate(_ range: Range<UInt64>) throws(FileError) {
    try disk.failIfAsked(
      disk.begin(.allocate, path, range.lowerBound, range.upperBound), .allocate, path)
    try requireWritable(.allocate)
    if disk.image.capacity != nil, content.blocksMissing(in: range) > disk.image.freeBlockCount {
      disk.note(.full)
      throw disk.fail(.allocate, path, ENOSPC)
    }
    change { content, _ in content.allocate(range) }
    disk.image.recordPending(number, .extend(range.upperBound))
    try disk.passChange(.allocate, path)
  }

  func punchHole(_ range: Range<UInt64>) throws(FileError) {
    try disk.failIfAsked(
      disk.begin(.punchHole, path, range.lowerBound, range.upperBound), .punchHole, path)
    try requireWritable(.punchHole)
    change { content, _ in content.punchHole(range) }
    disk.image.recordPending(number, .clear(range))
    try disk.passChange(.punchHole, path)
  }

  // MARK: Parts

  private var content: FileContent {
    guard let content = disk.image.files[number] else {
      preconditionFailure("\(path) was dropped while open")
    }
    return content
  }

  private func put(_ bytes: ByteView, at offset: UInt64) {
    change { $0.write(bytes, at: offset, &$1) }
    if !bytes.isEmpty, disk.image.recordsPendingChanges {
      disk.image.recordPending(number, .write(offset: offset, bytes: bytes.array))
    }
  }

  private func change(_ body: (inout FileContent, inout SeededGenerator) -> Void) {
    guard disk.image.files[number] != nil else {
      preconditionFailure("\(path) was dropped while open")
    }
    body(&disk.image.files[number]!, &disk.generator)
  }

  /// How much of a write the disk has room for.
  private func prefixThatFits(_ count: Int, at offset: UInt64) -> Int {
    guard disk.image.capacity != nil, count > 0 else { return count }
    var free = max(disk.image.freeBlockCount, 0)
    let block = UInt64(FileContent.blockByteCount)
    let content = content
    var end = offset
    while end < offset + UInt64(count) {
      let next = min((end / block + 1) * block, offset + UInt64(count))
      let missing = content.blocksMissing(in: end..<next)
      if missing > free { return Int(end - offset) }
      free -= missing
      end = next
    }
    return count
  }

  private func requireWritable(_ call: FileError.Call) throws(FileError) {
    guard mode.isWritable else { throw disk.fail(call, path, EBADF) }
  }

  // SAFETY: the address is looked at, not followed.
  private func checkAlignment(_ bytes: ByteView, _ offset: UInt64) {
    guard mode.isDirect else { return }
    let misfit = unsafe UInt64(UInt(bitPattern: bytes.base)) | UInt64(bytes.count) | offset
    if misfit % 4096 != 0 {
      disk.scheduler.trap("misaligned direct I/O: \(bytes.count) bytes at \(offset) of \(path)")
    }
  }
}
