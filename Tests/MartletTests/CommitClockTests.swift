import Martlet
import Primitives
import Testing

@Suite struct `The commit clock` {
  @Test func `follows the wall clock and never repeats (T1, R6)`() {
    var clock = CommitClock(above: Timestamp(100))
    #expect(clock.next(wallClock: 50, ceiling: .max) == Timestamp(101))
    #expect(clock.next(wallClock: 50, ceiling: .max) == Timestamp(102))
    #expect(clock.next(wallClock: 500, ceiling: .max) == Timestamp(500))
    #expect(clock.next(wallClock: 499, ceiling: .max) == Timestamp(501))
    #expect(clock.last == Timestamp(501))
  }

  @Test func `gives nothing above the durable ceiling (T2, W4)`() {
    var clock = CommitClock(above: .zero)
    #expect(clock.next(wallClock: 10, ceiling: Timestamp(10)) == Timestamp(10))
    #expect(clock.next(wallClock: 10, ceiling: Timestamp(10)) == nil)
    #expect(clock.last == Timestamp(10), "a refusal uses nothing up")
    #expect(clock.next(wallClock: 10, ceiling: Timestamp(11)) == Timestamp(11))
  }
}
