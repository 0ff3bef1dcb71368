internal import CMartlet
package import Environment
package import RawBytes

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// An open file of the operating system.
///
/// - Invariant X3: a file opened before a fork is refused in the child, with `ESTALE`: the child
///   shares the parent's lock and would share its file, without either knowing (rule F8).
/// - Invariant X4: with direct I/O, addresses, offsets and counts are multiples of 4096 whether
///   or not the file system asks for it, so that none works here and fails elsewhere.
// SAFETY: reads and writes get the memory of a view, which its maker keeps for the call.
package final class SystemFile: File {
  package let path: String
  package let isDataSynchronous: Bool

  private let descriptor: Descriptor
  private let isDirect: Bool
  private let requiresDriveFlush: Bool
  private let forkDepth = ForkDepth.current

  init(
    descriptor: consuming Descriptor, path: String, mode: FileMode, requiresDriveFlush: Bool
  ) {
    self.descriptor = descriptor
    self.path = path
    isDirect = mode.isDirect
    self.requiresDriveFlush = requiresDriveFlush
    #if canImport(Darwin)
      isDataSynchronous = false  // Darwin ignores O_DSYNC (rule F3).
    #else
      isDataSynchronous = mode.isDataSynchronous
    #endif
  }

  package func read(into bytes: MutableByteView, at offset: UInt64) throws(FileError) -> Int {
    try begin(.read)
    if isDirect { unsafe DirectAlignment.check(bytes.base, bytes.count, offset) }
    var done = 0
    while done < bytes.count {
      let count = try SystemCall.check(.read, path) {
        unsafe pread(
          descriptor.number, bytes.base + done, bytes.count - done, off_t(offset) + off_t(done))
      }
      done += count
      // The end of the file: said by zero, or, where reading on would be misaligned, by a rest.
      if count == 0 || (isDirect && count % DirectAlignment.unit != 0) { break }
    }
    return done
  }

  package func write(_ bytes: ByteView, at offset: UInt64) throws(FileError) {
    try begin(.write)
    if isDirect { unsafe DirectAlignment.check(bytes.base, bytes.count, offset) }
    var done = 0
    while done < bytes.count {
      var count = try SystemCall.check(.write, path) {
        unsafe pwrite(
          descriptor.number, bytes.base + done, bytes.count - done, off_t(offset) + off_t(done))
      }
      if isDirect { count -= count % DirectAlignment.unit }
      // Nothing more fits, and the system did not say so: asking again would never end.
      guard count > 0 else { throw FileError(call: .write, path: path, number: ENOSPC) }
      done += count
    }
  }

  package func sync(_ grade: SyncGrade) throws(FileError) {
    try begin(.sync)
    try SystemCall.checkNumber(.sync, path) {
      switch grade {
      case .full: martlet_sync_full(descriptor.number, !requiresDriveFlush)
      case .barrier: martlet_sync_barrier(descriptor.number)
      }
    }
  }

  package func size() throws(FileError) -> UInt64 { try status().size }

  package func allocatedSize() throws(FileError) -> UInt64 { try status().allocatedSize }

  package func truncate(to size: UInt64) throws(FileError) {
    try begin(.truncate)
    _ = try SystemCall.check(.truncate, path) { ftruncate(descriptor.number, off_t(size)) }
  }

  package func allocate(_ range: Range<UInt64>) throws(FileError) {
    try begin(.allocate)
    guard !range.isEmpty else { return }
    try SystemCall.checkNumber(.allocate, path) {
      martlet_allocate(descriptor.number, Int64(range.lowerBound), Int64(range.count))
    }
  }

  package func punchHole(_ range: Range<UInt64>) throws(FileError) {
    try begin(.punchHole)
    guard !range.isEmpty else { return }
    do throws(FileError) {
      try SystemCall.checkNumber(.punchHole, path) {
        martlet_punch_hole(descriptor.number, Int64(range.lowerBound), Int64(range.count))
      }
    } catch {
      if error.number != ENOTSUP { throw error }
    }
  }

  package func willRead(_ range: Range<UInt64>) {
    guard forkDepth == ForkDepth.current, !isDirect, !range.isEmpty else { return }
    #if canImport(Darwin)
      var advice = radvisory(
        ra_offset: off_t(range.lowerBound), ra_count: Int32(clamping: range.count))
      _ = unsafe fcntl(descriptor.number, F_RDADVISE, &advice)
    #else
      _ = posix_fadvise(
        descriptor.number, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_WILLNEED)
    #endif
  }

  private func status() throws(FileError) -> SystemFileSystem.Status {
    try begin(.size)
    guard let status = SystemFileSystem.status(of: descriptor.number) else {
      throw FileError(call: .size, path: path, number: errno)
    }
    return status
  }

  private func begin(_ call: FileError.Call) throws(FileError) {
    guard forkDepth == ForkDepth.current else {
      throw FileError(call: call, path: path, number: ESTALE)
    }
  }
}

/// What direct I/O asks of its callers.
enum DirectAlignment {
  static let unit = 4096

  @unsafe static func check(_ address: UnsafeRawPointer, _ count: Int, _ offset: UInt64) {
    let misfit = UInt64(UInt(bitPattern: address)) | UInt64(count) | offset
    precondition(misfit % UInt64(unit) == 0, "misaligned direct I/O")
  }
}
