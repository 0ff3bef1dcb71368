import Environment
import Simulation
import Synchronization
import Testing
import VersionStore

/// The store's thread runs when it should, and not more often (MA1).
@Suite struct `The store's thread` {
  /// How many rounds there were after each of some steps, three quarters of an interval apart.
  private func rounds(_ steps: [(Maintainer) -> Void]) -> [Int] {
    let simulator = Simulator(seed: 1)
    return simulator.run { effects in
      let counter = Counter()
      let maintainer = Maintainer(effects: effects)
      defer { maintainer.close() }
      maintainer.start {
        counter.add()
        return .idle
      }
      return steps.map { step in
        step(maintainer)
        let deadline = effects.time.monotonic() + Maintainer.interval * 3 / 4
        _ = effects.waits.park(effects.waits.makeTicket(), until: deadline)
        return counter.value
      }
    }
  }

  private final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    func add() { count.wrappingAdd(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
  }

  @Test func `comes at once when it is woken, and sleeps otherwise`() {
    #expect(rounds([{ _ in }, { $0.wake() }, { _ in }, { _ in }]) == [0, 1, 1, 1])
  }

  @Test func `comes once and a little later when it is told that there will be work soon`() {
    let many: (Maintainer) -> Void = { maintainer in for _ in 0..<100 { maintainer.wakeSoon() } }
    #expect(rounds([{ _ in }, many, { _ in }, { _ in }, { _ in }]) == [0, 0, 1, 1, 1])
  }

  @Test func `can be told again, and does not wait when it is woken meanwhile`() {
    let soon: (Maintainer) -> Void = { $0.wakeSoon() }
    #expect(rounds([soon, { _ in }, soon, { _ in }]) == [0, 1, 1, 2])
    #expect(rounds([soon, { $0.wake() }, { _ in }, { _ in }]).first == 0)
    let both: (Maintainer) -> Void = { maintainer in
      maintainer.wakeSoon()
      maintainer.wake()
    }
    #expect(rounds([both, { _ in }, { _ in }]) == [1, 1, 1])
  }
}
