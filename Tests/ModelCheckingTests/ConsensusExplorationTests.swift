import Testing
import Verification

/// Small explorations of the production replica; `martlet model-check` does the larger ones.
@Suite struct `Exploring the production replica` {
  static func explore(_ name: String, limit: Int) throws -> Exploration<ConsensusGroup.Action> {
    let named = try #require(ExplorationScope.catalogue.first { $0.name == name })
    var explorer = Explorer<ConsensusGroup>()
    explorer.stateLimit = limit
    let result = explorer.run(from: ConsensusGroup(named.scope))
    print("\(name): \(result.stateCount) states, \(result.transitionCount) transitions")
    if let violation = result.violation {
      Issue.record("\(violation): \(result.trace.map(\.description).joined(separator: "\n"))")
    }
    return result
  }

  @Test(arguments: ["ballots", "notices", "two-adds"])
  func `sees all of what little can happen, and nothing wrong`(
    name: String
  ) throws {
    let result = try Self.explore(name, limit: 200_000)
    #expect(result.isComplete)
  }

  @Test(arguments: [
    "restarts", "command", "change", "three-ballots", "add-and-remove", "two-removes",
    "replace-a-majority",
  ])
  func `finds nothing wrong nearby`(name: String) throws {
    let result = try Self.explore(name, limit: 30_000)
    #expect(result.stateCount == 30_000)
    #expect(result.violation == nil)
  }
}
