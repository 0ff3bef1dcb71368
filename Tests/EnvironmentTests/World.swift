import Environment
import RawBytes
import Simulation
import SystemEnvironment
import Testing

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The three worlds: what one file system promises, all of them keep.
enum World: String, CaseIterable, CustomTestStringConvertible {
  case system, memory, simulation

  var testDescription: String { rawValue }

  /// Runs a body with an empty directory.
  func withDirectory(_ body: (any FileSystem, String) throws -> Void) throws {
    switch self {
    case .system:
      var template = Array("/tmp/martlet-environment-XXXXXX".utf8CString)
      let made = unsafe template.withUnsafeMutableBufferPointer { buffer -> String? in
        guard let start = buffer.baseAddress, unsafe mkdtemp(start) != nil else {
          return nil
        }
        return unsafe String(cString: start)
      }
      guard let directory = made else { throw Unavailable() }
      let files = Effects.system().files
      defer { World.removeAll(directory, files) }
      try body(files, directory)
    case .memory:
      let files = Effects.memory().files
      try files.createDirectory("/db")
      try body(files, "/db")
    case .simulation:
      try Simulator(seed: 1).run { effects in
        try effects.files.createDirectory("/db")
        try body(effects.files, "/db")
      }
    }
  }

  struct Unavailable: Error {}

  private static func removeAll(_ directory: String, _ files: any FileSystem) {
    for name in (try? files.list(directory)) ?? [] {
      let path = FilePath.join(directory, name)
      if (try? files.kind(of: path)) == .directory { removeAll(path, files) }
      try? files.remove(path)
    }
    try? files.remove(directory)
  }
}

extension File {
  func read(_ count: Int, at offset: UInt64) throws -> [UInt8] {
    let memory = AlignedMemory(byteCount: count)
    let read = try read(into: memory.bytes, at: offset)
    return memory.bytes[0..<read].view.array
  }

  func write(_ bytes: [UInt8], at offset: UInt64) throws {
    let memory = AlignedMemory(byteCount: bytes.count)
    bytes.withByteView { memory.bytes.copy($0) }
    try write(memory.bytes.view, at: offset)
  }
}

/// The number of the error that a call throws; nil when it throws none.
func number(_ body: () throws -> Void) -> Int32? {
  do { try body() } catch let error as FileError { return error.number } catch { return -1 }
  return nil
}
