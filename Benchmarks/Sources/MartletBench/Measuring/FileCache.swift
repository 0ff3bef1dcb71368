#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What the system keeps in memory of files.
enum FileCache {
  /// Forgets a file's clean pages, where the system can.
  static func drop(_ path: String) {
    #if os(Linux)
      // SAFETY: the path is a C string for the call.
      let descriptor = unsafe open(path, O_RDONLY)
      guard descriptor >= 0 else { return }
      fdatasync(descriptor)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
      close(descriptor)
    #endif
  }
}
