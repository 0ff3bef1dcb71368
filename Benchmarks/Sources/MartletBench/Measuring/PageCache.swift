internal import CPageCache
import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What the system caches of the files of a folder.
enum PageCache {
  /// Writes what is cached of the files, and lets go of it.
  static func drop(_ directory: String) {
    for path in paths(in: directory) {
      guard let file = OpenFile(path: path) else { continue }
      fsync(file.descriptor)
      file.drop(0..<file.byteCount)
    }
  }

  /// The names in a folder, in order.
  static func paths(in directory: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.sorted().map { "\(directory)/\($0)" }
  }

  /// What is cached of all of these files.
  static func cachedByteCount(of paths: [String]) -> Int {
    paths.reduce(0) { sum, path in sum + (OpenFile(path: path)?.cachedByteCount ?? 0) }
  }

  /// A file held open to ask and to advise the system about it.
  struct OpenFile: ~Copyable {
    let path: String
    let descriptor: Int32
    let byteCount: Int

    init?(path: String) {
      let opened = unsafe open(path, O_RDONLY)
      guard opened >= 0 else { return nil }
      var status = stat()
      // SAFETY: the call writes to the variable it is given.
      guard unsafe fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        close(opened)
        return nil
      }
      self.path = path
      descriptor = opened
      byteCount = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Bytes in memory; nil where the system does not tell.
    var cachedByteCount: Int? {
      let count = page_cache_count(descriptor)
      return count < 0 ? nil : Int(count) * Int(getpagesize())
    }

    /// Lets go of what is cached of some bytes, mapped pages apart.
    func drop(_ bytes: Range<Int>) {
      #if os(Linux)
        posix_fadvise(descriptor, off_t(bytes.lowerBound), off_t(bytes.count), POSIX_FADV_DONTNEED)
      #endif
    }
  }
}
