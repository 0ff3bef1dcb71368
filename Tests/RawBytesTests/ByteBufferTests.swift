import RawBytes
import Testing

@Suite struct ByteBufferTests {
  @Test func `what a buffer appends a reader reads`() {
    var buffer = ByteBuffer(capacity: 1)
    buffer.append(integer: UInt16(0xBEEF))
    buffer.append(varint: 300)
    Array("key".utf8).withByteView { buffer.append(counted: $0) }
    buffer.append(zeros: 3)
    buffer.append(integer: UInt64.max)
    var reader = ByteReader(buffer.view)
    #expect(reader.integer(UInt16.self) == 0xBEEF)
    #expect(reader.varint() == 300)
    #expect(reader.counted()?.array == Array("key".utf8))
    #expect(reader.take(3)?.array == [0, 0, 0])
    #expect(reader.integer(UInt64.self) == .max)
    #expect(reader.remaining == 0)
  }

  @Test func `integers are stored little-endian`() {
    var buffer = ByteBuffer()
    buffer.append(integer: UInt32(0x0102_0304))
    #expect(buffer.view.array == [4, 3, 2, 1])
  }

  @Test(arguments: [0, 1, 127, 128, 16_383, 16_384, UInt64(1) << 63, .max])
  func `a varint survives the way there and back`(_ value: UInt64) {
    var buffer = ByteBuffer()
    buffer.append(varint: value)
    var reader = ByteReader(buffer.view)
    #expect(reader.varint() == value)
    #expect(reader.remaining == 0)
  }

  @Test func `growth keeps what was there`() {
    var buffer = ByteBuffer(capacity: 16)
    for number in 0..<10_000 { buffer.append(integer: UInt32(number)) }
    #expect(buffer.count == 40_000)
    let view = buffer.view
    #expect((0..<10_000).allSatisfy { view.load(UInt32.self, at: $0 * 4) == UInt32($0) })
  }

  @Test func `truncating forgets the end only`() {
    var buffer = ByteBuffer()
    [1, 2, 3, 4].withByteView { buffer.append($0) }
    buffer.truncate(to: 2)
    buffer.append(integer: UInt8(9))
    #expect(buffer.view.array == [1, 2, 9])
    buffer.removeAll()
    #expect(buffer.view.isEmpty)
  }
}
