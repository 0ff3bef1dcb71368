import Primitives
import RawBytes
import RedoLog
import Testing

@Suite("Records")
struct RecordTests {
  private func header(_ payload: [UInt8], records: UInt32) -> BatchHeader {
    BatchHeader(
      salt: 1, number: 1, position: LogPosition(4096), durablePosition: .zero,
      generation: Generation(0), ceiling: .zero, payloadByteCount: UInt32(payload.count),
      recordCount: records, previousChecksum: 0)
  }

  private func kinds(_ payload: [UInt8], records: UInt32) throws -> [RecordKind] {
    var kinds: [RecordKind] = []
    try payload.withByteView { (view: ByteView) throws(LogError) in
      do {
        try LogRecord.forEach(
          in: view, of: header(payload, records: records), location: "here"
        ) { kinds.append($0.kind) }
      } catch let error as LogError {
        throw error
      } catch {
        preconditionFailure("\(error)")
      }
    }
    return kinds
  }

  private func record(_ kind: UInt32, byteCount: UInt32 = 2) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 28) + [8, 9]
    for index in 0..<4 {
      bytes[index] = UInt8(truncatingIfNeeded: kind >> (8 * index))
      bytes[4 + index] = UInt8(truncatingIfNeeded: byteCount >> (8 * index))
    }
    return bytes
  }

  @Test func `every kind is known by its number`() throws {
    for kind in RecordKind.allCases {
      #expect(try kinds(record(UInt32(kind.rawValue)), records: 1) == [kind])
    }
    #expect(RecordKind.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 8])
  }

  @Test(arguments: [0, 9, 255] as [UInt32])
  func `an unknown kind is refused, never skipped`(kind: UInt32) {
    let payload = record(1) + record(kind)
    #expect(throws: LogError.unknownRecordKind(UInt8(kind), at: LogPosition(4096 + 72 + 30))) {
      try kinds(payload, records: 2)
    }
  }

  @Test func `a record longer than its batch, or a wrong count of records, is damage`() {
    #expect(throws: LogError.self) { try kinds(record(1, byteCount: 3), records: 1) }
    #expect(throws: LogError.self) { try kinds(record(1, byteCount: .max), records: 1) }
    #expect(throws: LogError.self) { try kinds(record(1), records: 2) }
    #expect(throws: LogError.self) { try kinds(record(1) + [1, 2, 3], records: 1) }
    #expect(throws: LogError.self) { try kinds(record(0x100), records: 1) }
  }
}
