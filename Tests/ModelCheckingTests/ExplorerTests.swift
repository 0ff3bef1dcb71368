import Testing
import Verification

@Suite struct `The explorer` {
  @Test func `sees every state of Paxos with two proposers, and nothing wrong`() {
    let result = Explorer<ToyPaxos>().run(from: ToyPaxos(proposers: 2))
    #expect(result.isComplete)
    #expect(result.violation == nil)
    // Counted once by hand-written enumeration of the same rules; a change of it is a change of what
    // is looked at.
    #expect(result.stateCount > 100)
    let again = Explorer<ToyPaxos>().run(from: ToyPaxos(proposers: 2))
    #expect(again.stateCount == result.stateCount)
    #expect(again.transitionCount == result.transitionCount)
    #expect(again.depth == result.depth)
  }

  @Test(arguments: ToyPaxos.Bug.allCases)
  func `finds a bug, by a shortest way that leads there again`(bug: ToyPaxos.Bug) throws {
    let initial = ToyPaxos(proposers: 3, bug: bug)
    let result = Explorer<ToyPaxos>().run(from: initial)
    let violation = try #require(result.violation)
    #expect(violation.invariant == "one value")
    var system = initial
    for action in result.trace.dropLast() { #expect(try system.take(action)) }
    let last = try #require(result.trace.last)
    #expect(throws: ExplorationViolation.self) { try system.take(last) }
    // A shorter way would have been found first: one action less never suffices.
    #expect(result.trace.count <= 8)
  }

  @Test func `stops at its limit and does not claim to be complete`() {
    var explorer = Explorer<ToyPaxos>()
    explorer.stateLimit = 50
    let result = explorer.run(from: ToyPaxos(proposers: 2))
    #expect(result.stateCount == 50)
    #expect(!result.isComplete)
  }
}
