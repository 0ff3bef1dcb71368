internal import Simulation

/// When something expires, by its recipe.
package enum TortureExpiry: Sendable, Hashable {
  case never
  /// So many nanoseconds after the begin of the transaction.
  case after(UInt64)
  /// So far from the wall clock of the moment in which it is asked for; the past included.
  case at(Int64)

  static func draw(_ generator: inout SeededGenerator) -> TortureExpiry {
    // From a microsecond to a second, as the pauses and the waits of a life are, and hours.
    let nanoseconds = UInt64(1) << UInt64(10 + generator.below(22))
    switch generator.below(12) {
    case 0: return .never
    case 1: return .after(3_600_000_000_000)
    case 2, 3: return .at(Int64(nanoseconds))
    case 4: return .at(-Int64(nanoseconds))
    default: return .after(nanoseconds + UInt64(generator.below(1_000)))
    }
  }
}

extension TorturePlan {
  /// What a run has of expiry and of merges; some runs have nothing of one or of both, as most
  /// databases have.
  struct Habits: Sendable {
    /// Of so many operations in eight.
    let expiries: Int
    let merges: Int

    init(_ generator: inout SeededGenerator) {
      expiries = [0, 2, 4, 6][generator.below(4)]
      merges = [0, 2, 4, 6][generator.below(4)]
    }
  }

  /// What the clock says when a database is opened again.
  package enum Restart: Sendable, Hashable {
    /// That the first life begins now, as a machine without a battery does.
    case atTheBeginning
    /// So much later than at the end of the life before; or earlier.
    case later(Int64)

    static func draw(_ generator: inout SeededGenerator) -> Restart {
      let nanoseconds = Int64(1) << Int64(12 + generator.below(32))
      return switch generator.below(8) {
      case 0..<3: .atTheBeginning
      case 3: .later(-nanoseconds)
      default: .later(nanoseconds)
      }
    }
  }

  /// Of what sessions do, some becomes something that expires, or a merge. What becomes of which
  /// depends on its place among the operations alone (TP1).
  static func turnIntoExpiriesAndMerges(
    _ sessions: inout [[Step]], keyCount: Int, _ habits: Habits, salt: UInt64
  ) {
    if habits.expiries + habits.merges == 0 { return }
    for session in sessions.indices {
      var generator = SeededGenerator(seed: salt &+ UInt64(session))
      for index in sessions[session].indices {
        switch sessions[session][index] {
        case .transaction(var operations, let durability, let commits, let retries):
          for place in operations.indices {
            var draws = generator.fork()
            operations[place] = Self.turned(operations[place], keyCount, habits, &draws)
          }
          sessions[session][index] = .transaction(
            operations, durability: durability, commits: commits, retries: retries)
        case .createKeyspace:
          let nanoseconds = UInt64(1) << UInt64(14 + generator.below(16))
          let lives = generator.below(8) < habits.expiries
          sessions[session][index] = .createKeyspace(timeToLive: lives ? nanoseconds : nil)
        case .buildKeyspace(var build):
          build.expiringEighths = habits.expiries
          sessions[session][index] = .buildKeyspace(build)
        default: break
        }
      }
    }
  }

  private static func turned(
    _ operation: Operation, _ keyCount: Int, _ habits: Habits, _ draws: inout SeededGenerator
  ) -> Operation {
    let expires = draws.below(8) < habits.expiries
    let merges = draws.below(8) < habits.merges
    // Few keys, so that what expires is met again.
    func narrowed(_ key: Int) -> Int { draws.oneIn(2) ? key % min(keyCount, 16) : key }
    func merged() -> Int { keyCount + draws.below(TortureKey.mergedCount) }
    switch operation {
    case .increment(let space, let key, let difference):
      guard merges else { return operation }
      let merged = merged()
      return .merge(
        space: space, key: merged,
        Self.merge(into: merged - keyCount, key, by: difference, &draws))
    case .set(let space, let key, let value, _):
      guard expires else { return operation }
      return .set(
        space: space, key: narrowed(key), value: value, expiry: TortureExpiry.draw(&draws))
    case .get(let space, let key):
      return .get(space: space, key: merges && draws.oneIn(2) ? merged() : narrowed(key))
    case .remove(let space, let key):
      let target = merges && draws.oneIn(3) ? merged() : narrowed(key)
      return expires
        ? .touch(space: space, key: target, TortureExpiry.draw(&draws))
        : .remove(space: space, key: target)
    default: return operation
    }
  }

  private static func merge(
    into number: Int, _ key: Int, by difference: Int, _ draws: inout SeededGenerator
  ) -> TortureMerge {
    if number < TortureKey.counterCount {
      return switch draws.below(8) {
      case 0: .least(difference)
      case 1: .greatest(difference)
      default: .add(difference)
      }
    }
    if number < TortureKey.counterCount + TortureKey.textCount {
      let bound = [30, 30, 300, 3_000][draws.below(4)]
      return .append(TortureValue(seed: draws.next(), byteCount: draws.below(bound)))
    }
    return draws.oneIn(3) ? .remove(UInt8(key % 24)) : .insert(UInt8(key % 24))
  }
}
