import Foundation
import RecordCoding
import Testing

@Suite struct `Other coders` {
  struct Tick: BinaryRecord, Codable, Equatable {
    var time: Date
    var price: Double
    var volume: Int
    var id: UUID
    var symbol: String
    var flags: [UInt8]
    var note: String?
    var levels: [Float]

    init(_ volume: Int, note: String?) {
      time = Date(timeIntervalSinceReferenceDate: 0.1)
      price = 99.5
      self.volume = volume
      id = UUID()
      symbol = "MRT"
      flags = [1, 0]
      self.note = note
      levels = [0.5, 1.5]
    }

    func encode(into writer: inout RecordWriter) throws {
      writer.append(time)
      writer.append(price)
      writer.append(volume)
      writer.append(id)
      writer.append(symbol)
      writer.append(flags)
      writer.append(optional: note) { note, writer in writer.append(note) }
      writer.append(list: levels) { level, writer in writer.append(level) }
    }

    init(from reader: inout RecordReader) throws {
      time = try reader.readDate()
      price = try reader.readDouble()
      volume = try reader.readInt()
      id = try reader.readUUID()
      symbol = try reader.readString()
      flags = try reader.readBytes()
      note = try reader.readOptional { reader in try reader.readString() }
      levels = try reader.readList { reader in try reader.readFloat() }
    }
  }

  @Test func `by hand give back records, and refuse what is none`() throws {
    let coder = HandWrittenCoder<Tick>()
    for tick in [Tick(0, note: nil), Tick(.min, note: "low"), Tick(.max, note: "")] {
      let bytes = try coder.encode(tick)
      #expect(try coder.decode(bytes) == tick)
      for count in 0..<bytes.count {
        #expect(throws: RecordDecodingError.self) { try coder.decode(Array(bytes.prefix(count))) }
      }
      #expect(throws: RecordDecodingError(offset: bytes.count, reason: .bytesFollow)) {
        try coder.decode(bytes + [0])
      }
    }
  }

  @Test func `by hand take no memory for counts that lie`() throws {
    struct List: BinaryRecord {
      func encode(into writer: inout RecordWriter) {}
      init(from reader: inout RecordReader) throws {
        _ = try reader.readList { reader in try reader.readUInt8() }
      }
    }
    #expect(throws: RecordDecodingError(offset: 0, reason: .outOfRange)) {
      try HandWrittenCoder<List>().decode([0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1])
    }
  }

  @Test func `write JSON that others read`() throws {
    let coder = JSONRecordCoder<Tick>()
    let tick = Tick(12, note: "a/b")
    let bytes = try coder.encode(tick)
    #expect(try coder.decode(bytes) == tick)
    #expect(try JSONDecoder().decode(Tick.self, from: Data(bytes)) == tick)
    #expect(try coder.encode(tick) == bytes)
    #expect(throws: (any Error).self) { try coder.decode(bytes + [0x7D]) }
  }

  @Test func `keep bytes as they are`() throws {
    #expect(try BytesCoder<[UInt8]>().encode([1, 2]) == [1, 2])
    #expect(try BytesCoder<[UInt8]>().decode([1, 2]) == [1, 2])
    #expect(try BytesCoder<Data>().decode(try BytesCoder<Data>().encode(Data())) == Data())
  }
}
