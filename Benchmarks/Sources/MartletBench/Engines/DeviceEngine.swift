internal import CPageCache
import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// No engine: blocks of 4 KiB, one after the other, into a file that is there and zeroed, past the
/// system's cache and durable when the call returns. No single durable commit can be faster.
@safe
final class DeviceEngine: Engine, @unchecked Sendable {
  // SENDABLE: the descriptor is a constant.
  private let descriptor: Int32

  static let blockByteCount = 4_096
  /// Where writing begins anew.
  static let fileByteCount = 64 << 20

  init(options: EngineOptions) throws {
    let path = "\(options.directory)/blocks"
    guard
      FileManager.default.createFile(
        atPath: path, contents: Data(count: Self.fileByteCount))
    else { throw BenchmarkError.file("\(path) cannot be created") }
    PageCache.drop(options.directory)
    #if canImport(Darwin)
      descriptor = unsafe Darwin.open(path, O_WRONLY)
      _ = fcntl(descriptor, F_NOCACHE, 1)
    #else
      descriptor = unsafe Glibc.open(path, O_WRONLY | O_DSYNC | page_cache_bypass)
    #endif
    guard descriptor >= 0 else {
      throw BenchmarkError.file("\(path) cannot be opened past the page cache: errno \(errno)")
    }
  }

  func makeSession() -> any EngineSession { DeviceSession(descriptor: descriptor) }
  func settle() {}
  func close() { _ = Foundation.close(descriptor) }
  func role(ofFile name: String) -> FileRole { .other }
}

/// SAFETY: the block is allocated as long as the object, aligned to its size.
@safe
private final class DeviceSession: EngineSession {
  private let descriptor: Int32
  private let block: UnsafeMutableRawBufferPointer
  private var offset = 0

  init(descriptor: Int32) {
    self.descriptor = descriptor
    unsafe block = .allocate(
      byteCount: DeviceEngine.blockByteCount, alignment: DeviceEngine.blockByteCount)
    unsafe block.initializeMemory(as: UInt8.self, repeating: 0x5A)
  }

  deinit { unsafe block.deallocate() }

  /// One block, whatever the records.
  func write(_ records: RawSpan) throws {
    let written = unsafe pwrite(descriptor, block.baseAddress, block.count, off_t(offset))
    guard written == DeviceEngine.blockByteCount else {
      throw BenchmarkError.engine("device", call: "pwrite", message: "errno \(errno)")
    }
    #if canImport(Darwin)
      _ = fcntl(descriptor, F_FULLFSYNC)
    #endif
    offset = (offset + DeviceEngine.blockByteCount) % DeviceEngine.fileByteCount
  }

  func read(_ keys: RawSpan, into checksum: inout Checksum) throws {
    throw BenchmarkError.unsupported(engine: "device")
  }

  func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int {
    throw BenchmarkError.unsupported(engine: "device")
  }

  func scan(into checksum: inout Checksum) throws {
    throw BenchmarkError.unsupported(engine: "device")
  }

  func scan(from key: RawSpan, limit: Int, into checksum: inout Checksum) throws {
    throw BenchmarkError.unsupported(engine: "device")
  }
}
