import RedoLog
import Testing

@Suite("Names and sizes of segments")
struct SegmentNameTests {
  @Test func `a name holds its number in sixteen hexadecimal digits`() {
    #expect(SegmentName.name(0) == "log-0000000000000000")
    #expect(SegmentName.name(0xab) == "log-00000000000000ab")
    #expect(SegmentName.name(.max) == "log-ffffffffffffffff")
    for number in [0, 1, 255, 1 << 40, UInt64.max] {
      #expect(SegmentName.number(in: SegmentName.name(number)) == number)
      #expect(SegmentName.isTemporary(SegmentName.temporaryName(number)))
      #expect(SegmentName.number(in: SegmentName.temporaryName(number)) == nil)
    }
  }

  @Test(arguments: [
    "log-", "log-1", "log-00000000000000AB", "log-000000000000000g", "lug-0000000000000000",
    "log-00000000000000000", "data.martlet", "log-0000000000000000.old", "x.new", "",
  ])
  func `other names are not segments`(name: String) {
    #expect(SegmentName.number(in: name) == nil)
    #expect(!SegmentName.isTemporary(name))
  }

  @Test func `sizes double up to the largest`() {
    let schedule = SegmentSchedule(first: 1 << 20, largest: 64 << 20)
    var sizes = [schedule.byteCount(after: nil, atLeast: 0)]
    for _ in 0..<8 { sizes.append(schedule.byteCount(after: sizes.last, atLeast: 0)) }
    #expect(sizes.map { $0 >> 20 } == [1, 2, 4, 8, 16, 32, 64, 64, 64])
  }

  @Test func `one batch that needs more makes a bigger segment, in whole blocks`() {
    let schedule = SegmentSchedule(first: 1 << 20, largest: 64 << 20)
    let size = schedule.byteCount(after: 64 << 20, atLeast: (200 << 20) + 1)
    #expect(size >= (200 << 20) + 1)
    #expect(size % 4096 == 0)
    #expect(schedule.byteCount(after: size, atLeast: 0) == 64 << 20, "and then it ends")
  }
}
