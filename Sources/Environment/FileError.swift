#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A call into the file system failed.
@usableFromInline
package struct FileError: Error, Hashable, Sendable {
  /// Which call.
  package enum Call: String, Sendable, Hashable, CaseIterable {
    case open, createDirectory, list, kind, rename, remove, syncDirectory, lock
    case read, write, sync, size, truncate, allocate, punchHole
  }

  package let call: Call
  package let path: String
  /// The platform's error number.
  package let number: Int32

  package init(call: Call, path: String, number: Int32) {
    self.call = call
    self.path = path
    self.number = number
  }
}

extension FileError {
  /// Whether the system refused what it had allowed before: so Apple's data protection answers while
  /// the device is locked, to calls on open files and there to opening them too. Elsewhere an opening
  /// that is refused is a matter of permissions.
  package var isForDataProtection: Bool {
    guard number == EPERM || number == EACCES else { return false }
    switch call {
    case .read, .write, .sync, .truncate, .allocate: return true
    #if canImport(Darwin)
      case .open, .lock: return true
    #endif
    default: return false
    }
  }

  /// Whether there was no room: on the volume, within a quota, or below the size that a file of
  /// this process may have. Nothing is wrong with the device, and later there may be room.
  package var isForWantOfSpace: Bool {
    number == ENOSPC || number == EDQUOT || number == EFBIG
  }
}
