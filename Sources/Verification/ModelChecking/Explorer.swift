/// Something whose every reachable state is to be looked at.
package protocol ExplorableSystem {
  associatedtype Action: Hashable & Sendable & CustomStringConvertible

  /// Equal for two systems exactly when they are in the same state, as far as anybody can tell.
  var fingerprint: StateFingerprint { get }

  /// What can happen next.
  var actions: [Action] { get }

  /// Lets an action happen.
  ///
  /// - Returns: whether it changed anything.
  /// - Throws: what must never happen and did.
  mutating func take(_ action: Action) throws(ExplorationViolation) -> Bool
}

/// 128 bits that stand for a state: two states with the same would take some 2^64 states to find.
package struct StateFingerprint: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64

  package init(_ state: some Hashable) {
    var hasher = Hasher()
    hasher.combine(state)
    high = UInt64(bitPattern: Int64(hasher.finalize()))
    hasher = Hasher()
    hasher.combine(0x5EED)
    hasher.combine(state)
    low = UInt64(bitPattern: Int64(hasher.finalize()))
  }
}

/// A broken invariant, in words.
package struct ExplorationViolation: Error, Hashable, Sendable {
  package let invariant: String
  package let detail: String

  package init(_ invariant: String, _ detail: String) {
    self.invariant = invariant
    self.detail = detail
  }
}

/// What an exploration has seen.
package struct Exploration<Action: Hashable & Sendable & CustomStringConvertible>: Sendable {
  package var stateCount = 0
  package var transitionCount = 0
  /// The most actions after which a new state was found.
  package var depth = 0
  /// Whether every reachable state was seen.
  package var isComplete = false
  package var violation: ExplorationViolation?
  /// As few actions as lead to the violation.
  package var trace: [Action] = []
}

/// Looks at every state that a system can reach, nearest first, so that the first violation is one of
/// the shortest. What was seen is known by its fingerprint.
///
/// - Invariant EX1: an exploration that is complete and has no violation has taken every action
///   in every reachable state.
package struct Explorer<System: ExplorableSystem> {
  /// It ends when so many states were found.
  package var stateLimit = Int.max
  /// Called each time so many more were found.
  package var progressStride = 1_000_000
  package var progress: (Exploration<System.Action>) -> Void = { _ in }

  package init() {}

  /// How a state was reached: from which one, and by which of its actions.
  private struct Origin {
    let parent: Int32
    let action: Int32
  }

  package func run(from initial: System) -> Exploration<System.Action> {
    var result = Exploration<System.Action>()
    var visited: Set<StateFingerprint> = [initial.fingerprint]
    var origins: [Origin?] = [nil]
    result.stateCount = 1
    var level: [(number: Int32, system: System)] = [(0, initial)]
    while !level.isEmpty {
      var next: [(number: Int32, system: System)] = []
      for (number, system) in level {
        for (index, action) in system.actions.enumerated() {
          var successor = system
          do {
            guard try successor.take(action) else { continue }
          } catch {
            result.violation = error
            result.trace = Self.trace(to: number, origins, from: initial) + [action]
            return result
          }
          result.transitionCount += 1
          guard visited.insert(successor.fingerprint).inserted else { continue }
          if result.stateCount >= stateLimit { return result }
          next.append((Int32(result.stateCount), successor))
          origins.append(Origin(parent: number, action: Int32(index)))
          result.stateCount += 1
          if result.stateCount % progressStride == 0 { progress(result) }
        }
      }
      if !next.isEmpty { result.depth += 1 }
      level = next
    }
    result.isComplete = true
    return result
  }

  /// Goes the way from the beginning once more.
  private static func trace(
    to state: Int32, _ origins: [Origin?], from initial: System
  ) -> [System.Action] {
    var indices: [Int] = []
    var state = Int(state)
    while let origin = origins[state] {
      indices.append(Int(origin.action))
      state = Int(origin.parent)
    }
    var system = initial
    var actions: [System.Action] = []
    for index in indices.reversed() {
      let action = system.actions[index]
      actions.append(action)
      guard (try? system.take(action)) == true else {
        preconditionFailure("a state has other actions the second time")
      }
    }
    return actions
  }
}
