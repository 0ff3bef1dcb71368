package import RawBytes

/// The files of the engine: a dozen calls, each of which may fail.
///
/// Paths are absolute or relative strings with `/` between names. What survives a power cut is
/// what POSIX promises and no more: bytes after `File.sync`, names after `syncDirectory`.
package protocol FileSystem: Sendable {
  /// Opens a file.
  func open(_ path: String, _ mode: FileMode) throws(FileError) -> any File

  /// Makes a directory; its parent must exist. Succeeds when it is there already.
  func createDirectory(_ path: String) throws(FileError)

  /// The names in a directory, sorted, without `.` and `..`.
  func list(_ directory: String) throws(FileError) -> [String]

  func kind(of path: String) throws(FileError) -> FileKind

  /// Gives a file another name in the same file system, replacing what had that name, atomically.
  func rename(_ path: String, to newPath: String) throws(FileError)

  func remove(_ path: String) throws(FileError)

  /// Makes the names of a directory durable: creations, renames and removals in it.
  func syncDirectory(_ path: String) throws(FileError)

  /// Bytes that can still be written beside a path; nil where nobody can say.
  func availableByteCount(at path: String) -> UInt64?

  /// Locks the directory's lock file for this process without waiting. Nil when somebody else
  /// holds it: another process, or another part of this one. A crash leaves no lock behind.
  func lock(_ path: String) throws(FileError) -> (any FileLock)?
}

extension FileSystem {
  package func availableByteCount(at path: String) -> UInt64? { nil }
}

/// What stands at a path.
package enum FileKind: Sendable, Equatable { case absent, file, directory, other }

/// How a file is opened.
package struct FileMode: Sendable, Equatable {
  /// Whether the file is made when it is absent.
  package enum Creation: Sendable, Equatable {
    /// It must be there.
    case never
    /// It is made when absent.
    case ifAbsent
    /// It must be absent.
    case always
  }

  package var creation: Creation
  package var isWritable: Bool
  /// Every write is durable when it returns (where the platform can; else `sync` follows).
  package var isDataSynchronous: Bool
  /// Bypasses the page cache: offsets, counts and addresses are multiples of 4096.
  package var isDirect: Bool

  package init(
    creation: Creation = .never, isWritable: Bool = true, isDataSynchronous: Bool = false,
    isDirect: Bool = false
  ) {
    self.creation = creation
    self.isWritable = isWritable
    self.isDataSynchronous = isDataSynchronous
    self.isDirect = isDirect
  }
}

/// What a sync promises.
package enum SyncGrade: Sendable, Equatable {
  /// Bytes and size are on the medium.
  case full
  /// Everything before is on the medium before anything after.
  case barrier
}

/// An open file, used by any number of threads. Closed when released.
package protocol File: AnyObject, Sendable {
  var path: String { get }

  /// Reads up to `bytes.count` bytes at an offset; fewer only at the end of the file. Returns how
  /// many.
  func read(into bytes: MutableByteView, at offset: UInt64) throws(FileError) -> Int

  /// Writes all the bytes at an offset, extending the file. After an error any part may be
  /// written.
  func write(_ bytes: ByteView, at offset: UInt64) throws(FileError)

  /// Makes everything written so far durable. After a failure nothing is known, and a second
  /// success would mean nothing (rule F1).
  func sync(_ grade: SyncGrade) throws(FileError)

  /// Whether a write to this file was durable when it returned, so that no sync is owed.
  var isDataSynchronous: Bool { get }

  func size() throws(FileError) -> UInt64

  /// Cuts or extends (with zeros) the file.
  func truncate(to size: UInt64) throws(FileError)

  /// Gets blocks for a range and extends the file over it; they read as zeros.
  func allocate(_ range: Range<UInt64>) throws(FileError)

  /// Gives the blocks of a range back; it reads as zeros. Does nothing where the file system
  /// cannot.
  func punchHole(_ range: Range<UInt64>) throws(FileError)

  /// Blocks in use, in bytes.
  func allocatedSize() throws(FileError) -> UInt64

  /// A hint that a range will be read soon, for a system that can begin to fetch it. Does not wait
  /// and promises nothing.
  func willRead(_ range: Range<UInt64>)
}

extension File {
  package func willRead(_ range: Range<UInt64>) {}
}

/// A lock on a database directory, let go when released.
package protocol FileLock: AnyObject, Sendable {
  func unlock()
}
