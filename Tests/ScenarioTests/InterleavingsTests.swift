import Testing
import Verification

@Suite struct `The interleavings` {
  @Test(arguments: [
    ([[0]], 1), ([[0, 1], [2]], 3), ([[0, 1, 2], [3, 4, 5]], 20), ([[], [0]], 1),
    ([[0, 1], [2, 3], [4, 5]], 90), ([[0], [1], [2], [3]], 24),
  ])
  func `are all different, all there, and keep each session's order`(
    _ sessions: [[Int]], _ count: Int
  ) {
    let interleavings = Interleavings(sessions: sessions)
    #expect(interleavings.count == count)
    let all = (0..<interleavings.count).map { interleavings[$0] }
    #expect(Set(all).count == count)
    for order in all {
      for session in sessions { #expect(order.filter(session.contains) == session) }
      #expect(order.count == sessions.joined().count)
    }
  }

  @Test func `are in lexicographic order of sessions`() {
    let interleavings = Interleavings(sessions: [[0, 1], [2, 3]])
    let all = (0..<6).map { interleavings[$0] }
    #expect(
      all == [
        [0, 1, 2, 3], [0, 2, 1, 3], [0, 2, 3, 1], [2, 0, 1, 3], [2, 0, 3, 1], [2, 3, 0, 1],
      ])
  }

  @Test func `are picked evenly when there are too many`() {
    let interleavings = Interleavings(sessions: [Array(0..<9), Array(9..<18)])
    #expect(interleavings.count == 48_620)
    let ranks = interleavings.ranks(atMost: 100)
    #expect(ranks.count == 100 && Set(ranks).count == 100 && ranks[50] == 24_310)
    #expect(interleavings.ranks(atMost: 50_000).count == 48_620)
  }

  @Test func `are counted without overflow`() {
    let sessions = (0..<20).map { session in (0..<20).map { session * 20 + $0 } }
    let interleavings = Interleavings(sessions: sessions)
    #expect(interleavings.count == .max)
    #expect(interleavings[.max - 1].count == 400)
    #expect(interleavings.ranks(atMost: 10).count == 10)
  }
}
