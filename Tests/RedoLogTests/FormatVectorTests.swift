import Environment
import Foundation
import Primitives
import RawBytes
import RedoLog
import Simulation
import Testing

/// The files in `format-spec/vectors`, made by another program from the specification alone: what
/// they say is read, and what the engine writes for it is them, byte for byte.
@Suite("Format vectors of the log")
struct FormatVectorTests {
  private static let salt: UInt64 = 0xfeed_face_cafe_beef

  private func vector(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "format-spec/vectors")
    return [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }

  private func opening(_ checksum: UInt32) -> BatchHeader {
    BatchHeader(
      flags: .opening, salt: Self.salt, number: 4, position: LogPosition(0x2_0000_0000),
      durablePosition: LogPosition(0x30a0), generation: Generation(2),
      ceiling: Timestamp(0x1797_a000_0000_000f), payloadByteCount: 0, recordCount: 0,
      previousChecksum: 0xdead_beef, checksum: checksum)
  }

  private func second(after checksum: UInt32) -> BatchHeader {
    BatchHeader(
      salt: Self.salt, number: 5, position: LogPosition(0x2_0000_1000),
      durablePosition: LogPosition(0x30a0), generation: Generation(2),
      ceiling: Timestamp(0x1797_a000_0000_0010), payloadByteCount: 68, recordCount: 2,
      previousChecksum: checksum)
  }

  /// The commit of the vectors, encoded.
  private func encodedRecord() -> [UInt8] {
    let memory = AlignedMemory(byteCount: 35)
    Array("entries".utf8).withByteView { payload in
      LogRecord.encode(
        .commit, transaction: TransactionID(9), timestamp: Timestamp(0x1797_9cfe_362a_0000),
        entryCount: 2, payload: payload, into: memory.bytes, at: 0)
    }
    return memory.bytes.view.array
  }

  @Test func `record`() throws { #expect(try vector("log-record.bin") == encodedRecord()) }

  @Test func `segment header`() throws {
    let bytes = try vector("log-segment.bin")
    let header = try bytes.withByteView { (view) throws(LogError) in
      try SegmentHeader(decoding: view, path: "vector")
    }
    #expect(
      header == SegmentHeader(database: LogWorld.id, number: 3, salt: Self.salt, size: 16384))
    let block = AlignedMemory(byteCount: 4096)
    header.encode(into: block.bytes)
    #expect(Array(bytes[..<4096]) == block.bytes.view.array)
  }

  @Test func `batches`() throws {
    let bytes = try vector("log-segment.bin")
    var chain = BatchChain()
    var headers: [BatchHeader] = []
    for offset in [4096, 8192] {
      let header = try bytes.withByteView { (view) throws(BatchFault) in
        let batch = view.dropFirst(offset)
        let header = try BatchReading.header(of: batch, salt: Self.salt, room: batch.count)
        try BatchReading.check(batch, header)
        return header
      }
      #expect(chain.fault(of: header) == nil)
      chain.advance(over: header)
      headers.append(header)
    }
    #expect(headers[0] == opening(headers[0].checksum))
    var expected = second(after: headers[0].checksum)
    expected.checksum = headers[1].checksum
    #expect(headers[1] == expected)

    for (header, offset) in zip(headers, [4096, 8192]) {
      let memory = AlignedMemory(byteCount: 4096)
      bytes.withByteView { memory.bytes.copy($0[offset..<offset + 4096]) }
      memory.bytes.zero(0..<BatchHeader.byteCount)
      var unsealed = header
      unsealed.checksum = 0
      #expect(unsealed.seal(memory.bytes) == header.checksum)
      #expect(memory.bytes.view.array == Array(bytes[offset..<offset + 4096]))
    }
    #expect(try vector("log-batch.bin") == Array(bytes[8192..<12288]))
  }

  @Test func `the log reads the segment and goes on in it`() throws {
    var image = DiskImage()
    image.makeDirectory(LogWorld.directory)
    image.put(LogWorld.path(3), try vector("log-segment.bin"))
    try Simulator(seed: 1, disk: image).run { effects in
      var texts: [String] = []
      let log = try RedoLog.recover(
        directory: LogWorld.directory, id: LogWorld.id, from: LogPosition(0x2_0000_0000),
        coveredThrough: LogPosition(0x2_0000_108c), generation: Generation(2), effects: effects,
        configuration: LogWorld.small
      ) { record in
        texts.append("\(record.kind) " + String(decoding: record.payload.array, as: UTF8.self))
      }
      #expect(texts == ["commit entries", "continuation piece"])
      #expect(log.recoveredCeiling == Timestamp(0x1797_a000_0000_0010))
      try log.close()
    }
  }
}
