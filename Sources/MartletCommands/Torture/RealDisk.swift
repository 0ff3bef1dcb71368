internal import Foundation

/// A disk that can be filled: a small file system of its own where this process may mount one.
struct RealDisk {
  /// Where it is mounted.
  let path: String
  /// What it is, for the report.
  let name: String
  private let image: String?

  static let megabytes = 24

  /// Mounts one in a folder: an image of ext4, else one in memory; nil where neither may be.
  init?(in folder: String) {
    let path = folder + "/disk"
    let image = folder + "/disk.image"
    let files = FileManager.default
    guard (try? files.createDirectory(atPath: path, withIntermediateDirectories: true)) != nil
    else {
      return nil
    }
    self.path = path
    let size = "\(Self.megabytes)M"
    if Self.run("truncate", "-s", size, image), Self.run("mkfs.ext4", "-q", "-F", image),
      Self.run("mount", "-o", "loop", image, path)
    {
      self.image = image
      name = "ext4 of \(Self.megabytes) MiB"
      return
    }
    try? files.removeItem(atPath: image)
    if Self.run("mount", "-t", "tmpfs", "-o", "size=\(size)", "tmpfs", path) {
      self.image = nil
      name = "tmpfs of \(Self.megabytes) MiB"
      return
    }
    try? files.removeItem(atPath: path)
    return nil
  }

  /// Takes up room that `makeRoom` gives back.
  func fill(_ name: String, megabytes: Int) throws {
    let block = Data(repeating: 0x5A, count: megabytes << 20)
    try block.write(to: URL(fileURLWithPath: path + "/" + name))
  }

  func makeRoom(_ name: String) throws {
    try FileManager.default.removeItem(atPath: path + "/" + name)
  }

  /// Unmounts it, and removes its image.
  func remove() {
    if !Self.run("umount", path) { _ = Self.run("umount", "-l", path) }
    try? FileManager.default.removeItem(atPath: path)
    if let image { try? FileManager.default.removeItem(atPath: image) }
  }

  /// Whether a program of the system exists and succeeds. What it says is nobody's business.
  private static func run(_ name: String, _ arguments: String...) -> Bool {
    let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    guard
      let folder = folders.first(where: {
        FileManager.default.isExecutableFile(atPath: $0 + "/" + name)
      })
    else { return false }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: folder + "/" + name)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationReason == .exit && process.terminationStatus == 0
  }
}
