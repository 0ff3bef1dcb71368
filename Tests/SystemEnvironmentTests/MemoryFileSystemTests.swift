import Environment
import RawBytes
import Synchronization
import SystemEnvironment
import Testing

@Suite struct MemoryFileSystemTests {
  private let files = MemoryFileSystem()

  @Test func `each file system is a world of its own`() throws {
    _ = try files.open("/a", FileMode(creation: .always))
    #expect(try files.list("/") == ["a"])
    #expect(try MemoryFileSystem().list("/") == [])
  }

  @Test func `bytes lie right across the borders of extents`() throws {
    let file = try files.open("/a", FileMode(creation: .always))
    let pattern = (0..<64).map { UInt8($0) }
    for megabytes in [1, 2, 4, 8, 16] {
      let offset = (UInt64(megabytes) << 20) - 32
      try pattern.withByteView { try file.write($0, at: offset) }
    }
    let memory = AlignedMemory(byteCount: 64)
    for megabytes in [1, 2, 4, 8, 16] {
      let offset = (UInt64(megabytes) << 20) - 32
      #expect(try file.read(into: memory.bytes, at: offset) == 64)
      #expect(memory.bytes.view.array == pattern)
    }
    #expect(try file.allocatedSize() < 1 << 20, "what was not written takes no memory")
  }

  @Test func `what was cut does not come back when the file grows`() throws {
    let file = try files.open("/a", FileMode(creation: .always))
    let memory = AlignedMemory(byteCount: 3 << 20)
    for offset in 0..<3 << 20 { memory.bytes[offset] = 1 }
    try file.write(memory.bytes.view, at: 0)
    try file.truncate(to: 100)
    #expect(try file.allocatedSize() <= 16_384)
    try file.truncate(to: 3 << 20)
    #expect(try file.read(into: memory.bytes, at: 0) == 3 << 20)
    #expect((0..<100).allSatisfy { memory.bytes[$0] == 1 })
    #expect((100..<3 << 20).allSatisfy { memory.bytes[$0] == 0 })
  }

  @Test func `threads write a growing file at once, and nothing is lost`() throws {
    let file = try files.open("/a", FileMode(creation: .always))
    let background = SystemBackgroundWork()
    let failures = Failures()
    let threads = (0..<4).map { side in
      background.start("writer \(side)") {
        let memory = AlignedMemory(byteCount: 4096)
        for page in stride(from: side, to: 2000, by: 4) {
          for offset in stride(from: 0, to: 4096, by: 8) {
            memory.bytes.store(UInt64(page), at: offset)
          }
          do {
            try file.write(memory.bytes.view, at: UInt64(page) * 4096)
            _ = try file.read(into: memory.bytes, at: UInt64(page) * 4096)
            if memory.bytes.load(UInt64.self, at: 4088) != UInt64(page) { failures.note() }
          } catch { failures.note() }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.count.load(ordering: .relaxed) == 0)
    #expect(try file.size() == 2000 * 4096)
    let memory = AlignedMemory(byteCount: 4096)
    for page in 0..<2000 {
      #expect(try file.read(into: memory.bytes, at: UInt64(page) * 4096) == 4096)
      #expect(memory.bytes.load(UInt64.self, at: 0) == UInt64(page))
    }
  }

  private final class Failures: Sendable {
    let count = Atomic<Int>(0)
    func note() { count.add(1, ordering: .relaxed) }
  }
}
