import Simulation
import Testing

@Suite struct SeededGeneratorTests {
  /// Computed with an implementation of its own from the papers' definitions.
  @Test func `seed 42 gives the published sequence`() {
    var generator = SeededGenerator(seed: 42)
    #expect(
      (0..<4).map { _ in generator.next() } == [
        0x1578_0b2e_0c2e_c716, 0x6104_d986_6d11_3a7e, 0xae17_5332_39e4_99a1,
        0xecb8_ad47_03b3_60a1,
      ])
  }

  @Test func `numbers below a bound cover it and stay below`() {
    var generator = SeededGenerator(seed: 1)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<7000 { counts[generator.below(7)] += 1 }
    #expect(counts.allSatisfy { $0 > 800 && $0 < 1200 })
  }

  @Test func `a fork has a course of its own`() {
    var generator = SeededGenerator(seed: 1)
    var first = generator.fork()
    var second = generator.fork()
    #expect(first.next() != second.next())
  }
}
