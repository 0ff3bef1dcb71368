import MartletCommands
import Testing

@Suite struct ProgressLineTests {
  private let half = ProgressLine(
    count: 1_234_567, noun: "rows", fraction: 0.5, elapsed: .seconds(10))

  @Test func `the plain line has count, share, rate and time left`() {
    #expect(half.plain == "1,234,567 rows, 50 %, 123,456 rows/s, 0:10 left")
  }

  @Test func `the bar is filled to its share and fits the terminal`() {
    #expect(
      half.bar(width: 79)
        == "[==============              ]  50 %  1,234,567 rows  123,456 rows/s  0:10 left")
    for width in 1...200 { #expect(half.bar(width: width).count <= width) }
  }

  @Test func `without a known whole there is neither bar nor time left`() {
    let line = ProgressLine(count: 10, noun: "rows", fraction: nil, elapsed: .seconds(5))
    #expect(line.bar(width: 79) == "10 rows  2 rows/s")
    #expect(line.plain == "10 rows, 2 rows/s")
  }

  @Test func `the first moment divides by nothing`() {
    let line = ProgressLine(count: 0, noun: "rows", fraction: 0, elapsed: .zero)
    #expect(line.plain == "0 rows, 0 %")
  }

  @Test func `a share outside its range is brought back`() {
    let line = ProgressLine(count: 1, noun: "rows", fraction: 1.2, elapsed: .seconds(1))
    #expect(line.plain == "1 rows, 100 %, 0:00 left")
  }
}

@Suite struct TourReportTests {
  @Test func `the table is as wide as its widest entries, and adds up the times`() {
    var report = TourReport()
    report.append(.init(name: "load", result: "many entries", time: .milliseconds(1500)))
    report.append(.init(name: "  half transactions", result: "none"))
    report.append(.init(name: "verify", result: "", time: .seconds(12)))
    #expect(
      report.table == [
        "load                  many entries    1.50 s", "  half transactions   none",
        "verify                               12.00 s",
        "────────────────────────────────────────────",
        "in all                               13.50 s",
      ])
  }
}

@Suite struct FiguresTests {
  @Test func `counts have commas between thousands`() {
    #expect(
      [0, 12, 123, 1234, 123_456, 1_234_567].map { Figures.count($0) } == [
        "0", "12", "123", "1,234", "123,456", "1,234,567",
      ])
    #expect(Figures.count(-1234) == "-1,234")
    #expect(Figures.count(1, "entry", plural: "entries") == "1 entry")
    #expect(Figures.count(2, "entry", plural: "entries") == "2 entries")
  }

  @Test func `times, sizes and clocks read well`() {
    #expect(Figures.time(.microseconds(12)) == "12 us")
    #expect(Figures.time(.milliseconds(5)) == "5.0 ms")
    #expect(Figures.time(.milliseconds(250)) == "250 ms")
    #expect(Figures.time(.milliseconds(1250)) == "1.25 s")
    #expect(Figures.bytes(1000) == "1000 B")
    #expect(Figures.bytes(1536) == "1.5 KiB")
    #expect(Figures.bytes(256 << 20) == "256.0 MiB")
    #expect(Figures.clock(seconds: 59.6) == "1:00")
    #expect(Figures.clock(seconds: 3661) == "1:01:01")
    #expect(Figures.fixed(-0.04, digits: 1) == "0.0")
    #expect(Figures.fixed(-1.25, digits: 1) == "-1.3")
    #expect(Figures.date(nanoseconds: 0) == "1970-01-01 00:00:00 UTC")
    #expect(Figures.date(nanoseconds: 951_827_696_000_000_000) == "2000-02-29 12:34:56 UTC")
    #expect(Figures.date(nanoseconds: 1_795_423_806_243_161_477) == "2026-11-23 08:50:06 UTC")
  }
}
