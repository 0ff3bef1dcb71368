import RawBytes
import Testing

/// Stored bytes may say anything: the reader answers nil, and never traps.
@Suite struct ByteReaderTests {
  @Test func `an integer that is cut off is none`() {
    [1, 2, 3].withByteView { bytes in
      var reader = ByteReader(bytes)
      #expect(reader.integer(UInt32.self) == nil)
      #expect(reader.integer(UInt16.self) == 0x0201)
      #expect(reader.integer(UInt16.self) == nil)
      #expect(reader.integer(UInt8.self) == 3)
    }
  }

  @Test func `a varint that does not end is none`() {
    [0x80, 0x80].withByteView { bytes in
      var reader = ByteReader(bytes)
      #expect(reader.varint() == nil)
    }
  }

  @Test func `a varint of more than 64 bits is none`() {
    let eleven = [UInt8](repeating: 0x80, count: 10) + [1]
    let tooBig = [UInt8](repeating: 0xFF, count: 9) + [2]
    for bytes in [eleven, tooBig] {
      bytes.withByteView { bytes in
        var reader = ByteReader(bytes)
        #expect(reader.varint() == nil)
      }
    }
  }

  @Test func `a count beyond the end is no bytes`() {
    var buffer = ByteBuffer()
    buffer.append(varint: .max)
    buffer.append(zeros: 8)
    var reader = ByteReader(buffer.view)
    #expect(reader.counted() == nil)
    #expect(reader.take(-1) == nil)
    #expect(reader.take(100) == nil)
  }

  @Test func `a start outside the bytes is moved to their ends`() {
    [1, 2].withByteView { bytes in
      #expect(ByteReader(bytes, at: 5).remaining == 0)
      #expect(ByteReader(bytes, at: -5).remaining == 2)
    }
  }

  @Test func `random bytes never trap`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...24)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      bytes.withByteView { bytes in
        var reader = ByteReader(bytes)
        while reader.remaining > 0 {
          let before = reader.remaining
          if reader.counted() == nil, reader.varint() == nil { _ = reader.take(1) }
          #expect(reader.remaining <= before)
        }
      }
    }
  }
}
