import ConcurrencyControl
import Foundation
import Primitives
import Testing

/// Random histories against `LockModel`: same grants in the same moments, a victim if and only if
/// there is a circle, by the rule, and none left.
@Suite("Lock table against a model")
struct LockTableModelTests {
  private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = state
      word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
      return word ^ (word >> 31)
    }
  }

  private struct Claim { var weight: UInt64; var timesVictim: Int }

  @Test(arguments: [(3, 2), (5, 3), (8, 4), (12, 30)])
  func `every answer is the model's`(transactions: Int, keys: Int) throws {
    let seed =
      ProcessInfo.processInfo.environment["MARTLET_SEED"].flatMap { UInt64($0) }
      ?? UInt64.random(in: 0...UInt64.max)
    print("MARTLET_SEED=\(seed)")
    var random = Generator(state: seed &+ UInt64(transactions))
    var locks = LockDriver()
    var model = LockModel()
    var claims: [UInt64: Claim] = [:]
    var deadlocks = 0
    var waits = 0

    for step in 0..<20_000 {
      let who = UInt64.random(in: 1...UInt64(transactions), using: &random)
      let key = UInt64.random(in: 1...UInt64(keys), using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<8 where !model.isWaiting(who):
        let mode = LockMode.allCases.randomElement(using: &random)!
        var claim =
          claims[who]
          ?? Claim(weight: 0, timesVictim: Int.random(in: 0...4, using: &random))
        claim.weight += UInt64.random(in: 0...2, using: &random)
        claims[who] = claim
        let outcome = locks.ask(
          who, mode, key, weight: claim.weight, timesVictim: claim.timesVictim)
        var isGranted = model.ask(who, mode, key)
        if !isGranted { waits += 1 }
        var expectedGrants: Set<UInt64> = []
        for (victim, cycle) in circles(outcome, who, locks) {
          deadlocks += 1
          try #require(model.isInCircle(who), "step \(step): a deadlock without a circle")
          for (index, member) in cycle.enumerated() {
            let next = cycle[(index + 1) % cycle.count]
            try #require(model.edges(of: member).contains(next), "step \(step): no such edge")
          }
          try #require(victim == expectedVictim(cycle, claims), "step \(step): another victim")
          let granted = model.withdraw(victim)
          if granted.contains(who) { isGranted = true }
          expectedGrants.formUnion(granted.subtracting([who]))
        }
        try #require(Set(locks.granted) == expectedGrants, "step \(step)")
        switch outcome {
        case .granted: try #require(isGranted, "step \(step): granted too early")
        case .waiting:
          try #require(!isGranted, "step \(step): not granted")
          try #require(!model.isInCircle(who), "step \(step): a circle is left")
        case .deadlock: try #require(!model.isWaiting(who))
        case .exhausted: Issue.record("step \(step): there is room")
        }
      case 8:
        let granted = locks.cancel(who)
        if model.isWaiting(who) {
          try #require(granted.map(Set.init) == model.withdraw(who), "step \(step)")
        } else {
          try #require(granted == nil, "step \(step)")
        }
      case 9:
        try #require(Set(locks.release(who)) == model.release(who), "step \(step)")
        claims[who] = nil
      default: break
      }
      try checkHolders(locks, model, step)
    }
    #expect(waits > 100, "nothing was contended")
    #expect(deadlocks > 20, "no deadlock was met")
  }

  /// The victims in the order in which they were chosen, with the circles that they were in.
  private func circles(
    _ outcome: LockOutcome, _ who: UInt64, _ locks: LockDriver
  ) -> [(UInt64, [UInt64])] {
    var circles: [(UInt64, [UInt64])] = []
    for notice in locks.notices {
      if case .deadlock(let cycle) = notice.event {
        circles.append((notice.transaction.rawValue, cycle.map(\.rawValue)))
      }
    }
    if case .deadlock(let cycle) = outcome { circles.append((who, cycle.map(\.rawValue))) }
    return circles
  }

  private func expectedVictim(_ cycle: [UInt64], _ claims: [UInt64: Claim]) -> UInt64? {
    let candidates = cycle.filter { (claims[$0]?.timesVictim ?? 0) < 3 }
    return (candidates.isEmpty ? cycle : candidates).min { left, right in
      let (leftWeight, rightWeight) = (claims[left]?.weight ?? 0, claims[right]?.weight ?? 0)
      return leftWeight != rightWeight ? leftWeight < rightWeight : left > right
    }
  }

  private func checkHolders(_ locks: LockDriver, _ model: LockModel, _ step: Int) throws {
    var count = 0
    for (key, lock) in model.locks {
      for holder in lock.holders {
        count += 1
        try #require(locks.mode(holder.who, key) == holder.mode, "step \(step): key \(key)")
        for other in lock.holders where other.who != holder.who {
          try #require(holder.mode.isCompatible(with: other.mode), "step \(step): Q1")
        }
      }
    }
    try #require(locks.table.heldCount == count, "step \(step)")
  }
}
