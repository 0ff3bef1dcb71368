internal import CMartlet
package import Environment

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The files of the operating system.
///
/// - Invariant X1: an interrupted call is made again; every other failure is thrown with its
///   call, path and number, and none is swallowed but the two that the seam allows: a hole that
///   cannot be punched, and a directory that is already there.
/// - Invariant X2: a sync that failed is never tried again here (rule F1).
// SAFETY: every call gets memory that outlives it.
package struct SystemFileSystem: FileSystem {
  /// Whether a volume that cannot flush its drive's cache refuses to sync (rule F3). Apple
  /// systems only; elsewhere every sync reaches the drive or fails.
  private let requiresDriveFlush: Bool

  /// The data-protection class that files get when they are made, on Apple systems; zero: none is set.
  private let protectionClass: Int32

  package init(requiresDriveFlush: Bool = false, protectionClass: Int32 = 0) {
    self.requiresDriveFlush = requiresDriveFlush
    self.protectionClass = protectionClass
  }

  package func open(_ path: String, _ mode: FileMode) throws(FileError) -> any File {
    var flags = mode.isWritable ? O_RDWR : O_RDONLY
    switch mode.creation {
    case .never: break
    case .ifAbsent: flags |= O_CREAT
    case .always: flags |= O_CREAT | O_EXCL
    }
    let number = try SystemCall.check(.open, path) {
      unsafe martlet_open(path, flags, 0o644, mode.isDirect, mode.isDataSynchronous)
    }
    let descriptor = Descriptor(number)
    guard SystemFileSystem.status(of: number)?.isDirectory == false else {
      throw FileError(call: .open, path: path, number: EISDIR)
    }
    if mode.creation != .never { try protect(number, path) }
    return SystemFile(
      descriptor: descriptor, path: path, mode: mode, requiresDriveFlush: requiresDriveFlush)
  }

  /// Gives a file its class. Not verified on a device yet.
  private func protect(_ number: Int32, _ path: String) throws(FileError) {
    #if canImport(Darwin)
      guard protectionClass != 0 else { return }
      do {
        _ = try SystemCall.check(.open, path) {
          fcntl(number, F_SETPROTECTIONCLASS, protectionClass)
        }
      } catch {
        // Volumes without data protection have no classes.
        guard error.number == ENOTSUP || error.number == EINVAL else { throw error }
      }
    #endif
  }

  package func createDirectory(_ path: String) throws(FileError) {
    do throws(FileError) {
      _ = try SystemCall.check(.createDirectory, path) { unsafe mkdir(path, 0o755) }
    } catch {
      guard error.number == EEXIST, try kind(of: path) == .directory else { throw error }
    }
  }

  package func list(_ directory: String) throws(FileError) -> [String] {
    guard let stream = unsafe opendir(directory) else {
      throw FileError(call: .list, path: directory, number: errno)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        guard errno == 0 else { throw FileError(call: .list, path: directory, number: errno) }
        return names.sorted()
      }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        let byteCount = MemoryLayout.size(ofValue: unsafe tuple.pointee)
        return unsafe tuple.withMemoryRebound(to: CChar.self, capacity: byteCount) {
          unsafe String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  package func kind(of path: String) throws(FileError) -> FileKind {
    var status = stat()
    do throws(FileError) {
      _ = try SystemCall.check(.kind, path) { unsafe stat(path, &status) }
    } catch {
      if error.number == ENOENT || error.number == ENOTDIR { return .absent }
      throw error
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .directory
    default: return .other
    }
  }

  package func rename(_ path: String, to newPath: String) throws(FileError) {
    _ = try SystemCall.check(.rename, path) { unsafe renameNames(path, newPath) }
  }

  package func remove(_ path: String) throws(FileError) {
    _ = try SystemCall.check(.remove, path) { unsafe removeName(path) }
  }

  package func syncDirectory(_ path: String) throws(FileError) {
    let number = try SystemCall.check(.syncDirectory, path) {
      unsafe martlet_open(path, O_RDONLY | O_DIRECTORY, 0, false, false)
    }
    let descriptor = Descriptor(number)
    try SystemCall.checkNumber(.syncDirectory, path) { martlet_sync_metadata(descriptor.number) }
  }

  // SAFETY: the call fills the local it is given.
  package func availableByteCount(at path: String) -> UInt64? {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { return nil }
    return UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
      .partialValue
  }

  package func lock(_ path: String) throws(FileError) -> (any FileLock)? {
    try SystemFileLock.take(path)
  }
}

extension SystemFileSystem {
  /// What this module wants to know about an open file.
  struct Status {
    var identity: FileIdentity
    var size: UInt64
    var allocatedSize: UInt64
    var isDirectory: Bool
  }

  static func status(of descriptor: Int32) -> Status? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    return Status(
      identity: FileIdentity(
        device: UInt64(truncatingIfNeeded: status.st_dev),
        inode: UInt64(truncatingIfNeeded: status.st_ino)),
      size: UInt64(max(status.st_size, 0)),
      allocatedSize: UInt64(max(status.st_blocks, 0)) * 512,
      isDirectory: status.st_mode & S_IFMT == S_IFDIR)
  }
}

// The names of the C functions are taken by the methods above.
private func renameNames(_ path: UnsafePointer<CChar>, _ newPath: UnsafePointer<CChar>) -> Int32 {
  unsafe rename(path, newPath)
}

private func removeName(_ path: UnsafePointer<CChar>) -> Int32 { unsafe remove(path) }
