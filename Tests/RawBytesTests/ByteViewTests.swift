import RawBytes
import Testing

@Suite struct ByteViewTests {
  private func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
    left.withByteView { left in right.withByteView { left.compare($0) } }
  }

  @Test func `bytes order like unsigned text, a prefix first`() {
    #expect(compare([], []) == 0)
    #expect(compare([], [0]) < 0)
    #expect(compare([1], [1, 0]) < 0)
    #expect(compare([0x7F], [0x80]) < 0)
    #expect(compare([2], [1, 255]) > 0)
  }

  @Test func `the common prefix is counted`() {
    func common(_ left: String, _ right: String) -> Int {
      Array(left.utf8).withByteView { left in
        Array(right.utf8).withByteView { left.commonPrefixCount($0) }
      }
    }
    #expect(common("", "a") == 0)
    #expect(common("abc", "abd") == 2)
    #expect(common("abc", "abc") == 3)
    #expect(common("abc", "abcd") == 3)
  }

  @Test func `parts are parts`() {
    [10, 20, 30, 40].withByteView { bytes in
      #expect(bytes[1..<3].array == [20, 30])
      #expect(bytes.dropFirst(3).array == [40])
      #expect(bytes.prefix(1).array == [10])
      #expect(bytes.load(UInt16.self, at: 1) == 0x1E14)
    }
  }

  @Test func `an access outside traps`() async {
    await #expect(processExitsWith: .failure) {
      [1, 2, 3].withByteView { bytes in
        _ = bytes.load(UInt32.self, at: 0)
      }
    }
    await #expect(processExitsWith: .failure) {
      [1, 2, 3].withByteView { bytes in
        _ = bytes[2..<4]
      }
    }
  }

  @Test func `a mutable view copies, moves and zeroes`() {
    let memory = AlignedMemory(byteCount: 16)
    let bytes = memory.bytes
    [1, 2, 3, 4].withByteView { bytes.copy($0, at: 2) }
    #expect(bytes.view.array == [0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    bytes.move(from: 2, to: 3, byteCount: 4)
    #expect(bytes[0..<8].view.array == [0, 0, 1, 1, 2, 3, 4, 0])
    bytes.zero(3..<5)
    #expect(bytes[0..<8].view.array == [0, 0, 1, 0, 0, 3, 4, 0])
    bytes.store(UInt32(0x0102_0304), at: 9)
    #expect(bytes.load(UInt32.self, at: 9) == 0x0102_0304)
    #expect(bytes[9] == 4)
  }
}
