import Primitives
import Testing

@Suite struct IdentifierTests {
  @Test func `a database id is written as 32 hexadecimal digits`() {
    #expect(
      DatabaseID(high: 0xAB, low: 0x1).description == "00000000000000ab0000000000000001")
    #expect(
      DatabaseID(high: .max, low: 0).description == "ffffffffffffffff0000000000000000")
  }

  @Test func `timestamps order by number between zero and max`() {
    #expect(Timestamp.zero < Timestamp(1))
    #expect(Timestamp(1) < Timestamp(2))
    #expect(Timestamp(UInt64.max - 1) < Timestamp.max)
    #expect(Timestamp(17).description == "17")
  }

  @Test func `a generation is followed by the next`() {
    #expect(Generation(1).next == Generation(2))
    #expect(Generation(1) < Generation(1).next)
  }

  @Test func `a finding says where, what should stand there and what does`() {
    let finding = CorruptionError(location: "page 7", expected: "crc 1", found: "crc 2")
    #expect(finding.description == "corrupt page 7: expected crc 1, found crc 2")
  }
}
