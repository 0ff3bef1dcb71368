import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The file system a folder lies on.
enum Device {
  /// Type and source of the file system, as in `ext4 on /dev/vda`; nil where the system does not tell.
  static func fileSystem(of directory: String) -> String? {
    mount(of: directory).map { "\($0.type) on \($0.source)" }
  }

  /// Whether files there live in memory, so that syncing them costs and means nothing.
  static func isMemory(_ directory: String) -> Bool {
    ["tmpfs", "ramfs"].contains(mount(of: directory)?.type)
  }

  /// Waits until the system has written what it holds, so that no trial pays for the one before.
  static func flushEverything() {
    sync()
  }

  /// The innermost mount that holds a folder. `/proc/mounts` is `source point type options …`.
  private static func mount(of directory: String) -> (source: String, type: String)? {
    let path = URL(filePath: directory).resolvingSymlinksInPath().path + "/"
    let mounts = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
    var innermost: (source: String, point: String, type: String)?
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count > 2 else { continue }
      let point = fields[1] == "/" ? "/" : fields[1] + "/"
      if path.hasPrefix(point), point.count >= innermost?.point.count ?? 0 {
        innermost = (fields[0], point, fields[2])
      }
    }
    return innermost.map { ($0.source, $0.type) }
  }
}
