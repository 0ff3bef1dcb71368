import Martlet
import Primitives
import Testing

@Suite struct `The publication queue` {
  @Test func `publishes contiguous prefixes whatever the order of application (Q1)`() {
    // Every order in which five commits can be applied.
    for permutation in permutations(of: Array(0..<5)) {
      var queue = PublicationQueue(published: Timestamp(10), position: LogPosition(0))
      var tickets: [PublicationQueue.Ticket] = []
      for index: UInt64 in 0..<5 {
        tickets.append(queue.order(Timestamp(11 + index), end: LogPosition(100 * (index + 1))))
      }
      var applied: Set<Int> = []
      for index in permutation {
        let grew = queue.applied(tickets[index])
        applied.insert(index)
        let prefix = (0..<5).prefix { applied.contains($0) }.count
        #expect(queue.published == Timestamp(UInt64(10 + prefix)))
        #expect(queue.publishedPosition == LogPosition(UInt64(100 * prefix)))
        #expect(queue.inFlight == 5 - prefix)
        #expect(grew == (index < prefix))
      }
    }
  }

  @Test func `grows beyond its first ring`() {
    var queue = PublicationQueue(published: .zero, position: .zero)
    var tickets: [PublicationQueue.Ticket] = []
    for index in 0..<1000 {
      tickets.append(queue.order(Timestamp(UInt64(index + 1)), end: LogPosition(UInt64(index))))
    }
    for ticket in tickets.reversed() { _ = queue.applied(ticket) }
    #expect(queue.published == Timestamp(1000))
    #expect(queue.inFlight == 0)
  }

  @Test func `traps when a commit is applied twice (Q2)`() async {
    await #expect(processExitsWith: .failure) {
      var queue = PublicationQueue(published: .zero, position: .zero)
      let first = queue.order(Timestamp(1), end: .zero)
      let second = queue.order(Timestamp(2), end: .zero)
      _ = queue.applied(second)
      _ = queue.applied(second)
      _ = queue.applied(first)
    }
  }

  private func permutations(of items: [Int]) -> [[Int]] {
    guard let first = items.first else { return [[]] }
    return permutations(of: Array(items.dropFirst())).flatMap { rest in
      (0...rest.count).map { index in
        var result = rest
        result.insert(first, at: index)
        return result
      }
    }
  }
}
