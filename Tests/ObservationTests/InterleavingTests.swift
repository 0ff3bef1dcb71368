import Martlet
import Testing

/// Every order in which the steps of commits, of an observer, and of the comparison can come: the
/// argument of `ObservationLedger`, by exhaustion.
@Suite struct `Whatever the order of steps` {
  struct Situation {
    var world: ObservedWorld
    var commits: [CommitSteps]
    var observer = ObserverSteps()
    var comparison = CompareSteps()

    var situation: [UInt64] {
      world.situation + commits.flatMap(\.situation) + observer.situation + comparison.situation
        + [world.observerStanding]
    }
  }

  /// Walks all orders. Returns how many situations there were and a commit that was missed in one
  /// that was at rest, if any.
  static func explore(_ start: Situation) -> (count: Int, missed: UInt64?) {
    var seen: Set<[UInt64]> = []
    var stack = [start]
    var missed: UInt64?
    while missed == nil, let situation = stack.popLast() {
      guard seen.insert(situation.situation).inserted else { continue }
      var canMove = false
      func follow(_ move: (inout Situation) -> Progress) {
        var next = situation
        guard move(&next) == .advanced else { return }
        canMove = true
        stack.append(next)
      }
      for index in situation.commits.indices {
        follow { $0.commits[index].advance(in: &$0.world) }
      }
      follow { $0.observer.advance(in: &$0.world) }
      follow { $0.comparison.advance(in: &$0.world) }
      if !canMove { missed = situation.observer.isMissing(in: situation.world) }
    }
    return (seen.count, missed)
  }

  static func situation(_ spoiling: Spoiling, _ commits: [CommitSteps]) -> Situation {
    Situation(world: ObservedWorld(spoiling: spoiling), commits: commits)
  }

  @Test func `an observer at rest shows the last acknowledged state`() {
    let scenes: [[CommitSteps]] = [
      [CommitSteps(key: 1)],
      [CommitSteps(key: 1), CommitSteps(key: 2)],
      [CommitSteps(key: 2, isRefused: true), CommitSteps(key: 1)],
    ]
    for commits in scenes {
      let (count, missed) = Self.explore(Self.situation(.nothing, commits))
      #expect(missed == nil)
      #expect(count > 100, "only \(count) situations")
    }
  }

  @Test(arguments: Spoiling.allCases.filter { $0 != .nothing })
  func `leaving out a step of the protocol loses a commit`(_ spoiling: Spoiling) {
    let scenes = [[CommitSteps(key: 1)], [CommitSteps(key: 1), CommitSteps(key: 1)]]
    let isCaught = scenes.contains { Self.explore(Self.situation(spoiling, $0)).missed != nil }
    #expect(isCaught, "\(spoiling) is not needed, or not tested")
  }
}
