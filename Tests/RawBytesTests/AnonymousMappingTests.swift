import RawBytes
import Testing

@Suite struct AnonymousMappingTests {
  @Test func `memory is zero, aligned to huge pages and can be written`() throws {
    let mapping = try #require(AnonymousMapping(byteCount: 8 << 20, hugePages: true))
    #expect(mapping.bytes.count == 8 << 20)
    #expect(unsafe Int(bitPattern: mapping.bytes.base) % (2 << 20) == 0)
    for offset in stride(from: 0, to: 8 << 20, by: 4096) {
      #expect(mapping.bytes[offset] == 0)
      mapping.bytes[offset] = 1
    }
    #expect(mapping.bytes[(8 << 20) - 4096] == 1)
  }

  @Test func `what the system cannot map is nil`() {
    #expect(AnonymousMapping(byteCount: 1 << 60, hugePages: false) == nil)
  }

  @Test func `released memory reads as zeros, and its neighbours stay`() throws {
    let mapping = try #require(AnonymousMapping(byteCount: 1 << 20, hugePages: false))
    for offset in 0..<1 << 20 { mapping.bytes[offset] = 0xFF }
    #expect(mapping.residentByteCount(0..<1 << 20) == 1 << 20)
    mapping.release(1000..<500_000)
    #expect(mapping.bytes[999] == 0xFF)
    #expect(mapping.bytes[500_000] == 0xFF)
    #expect((1000..<500_000).allSatisfy { mapping.bytes[$0] == 0 })
    mapping.release(600_000..<600_010)
    #expect(mapping.bytes[599_999] == 0xFF)
    #expect(mapping.bytes[600_009] == 0)
    #expect(mapping.bytes[600_010] == 0xFF)
  }

  @Test func `releasing gives memory back`() throws {
    let mapping = try #require(AnonymousMapping(byteCount: 1 << 20, hugePages: false))
    for offset in 0..<1 << 20 { mapping.bytes[offset] = 0xFF }
    mapping.release(0..<1 << 19)
    #expect(mapping.residentByteCount(0..<1 << 19) == 0)
    #expect(mapping.residentByteCount(1 << 19..<1 << 20) == 1 << 19)
  }

  @Test func `aligned memory is zero and aligned`() {
    let memory = AlignedMemory(byteCount: 10_000)
    #expect(unsafe Int(bitPattern: memory.bytes.base) % 4096 == 0)
    #expect(memory.bytes.view.array.allSatisfy { $0 == 0 })
  }
}
