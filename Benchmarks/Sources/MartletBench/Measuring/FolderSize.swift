import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The space a folder's files take on the device: allocated blocks, not lengths.
struct FolderSize: Sendable {
  private(set) var dataByteCount = 0
  private(set) var logByteCount = 0

  init(of directory: String, role: (String) -> FileRole) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
      var status = stat()
      // SAFETY: the call reads a C string and writes to the variable it is given.
      guard unsafe stat("\(directory)/\(name)", &status) == 0 else { continue }
      let byteCount = Int(status.st_blocks) * 512
      switch role(name) {
      case .data: dataByteCount += byteCount
      case .log: logByteCount += byteCount
      case .other: break
      }
    }
  }
}
