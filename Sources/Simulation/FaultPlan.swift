internal import Environment

/// The faults that are declared, and how often each was asked for.
struct FaultPlan {
  /// What befalls one call.
  struct Verdict {
    var effect: Fault.Effect?
    /// How much longer the call takes.
    var delay: UInt64 = 0
  }

  private struct Entry {
    let fault: Fault
    var count = 0
    /// Its own, so that no fault changes when another one happens.
    var chance: SeededGenerator
  }

  private var entries: [Entry] = []
  private var chances: SeededGenerator

  init(chances: SeededGenerator) { self.chances = chances }

  mutating func add(_ fault: Fault) { entries.append(Entry(fault: fault, chance: chances.fork())) }

  mutating func removeAll() { entries = [] }

  /// What befalls a call: all delays whose turn it is, and the first other fault whose turn it is.
  mutating func verdict(
    on call: FileError.Call, path: String, isDurable: Bool
  ) -> Verdict {
    var verdict = Verdict()
    for index in entries.indices {
      let fault = entries[index].fault
      guard fault.calls.contains(call), fault.effect.applies(to: call, isDurable: isDurable),
        fault.path.map({ path.contains($0) }) ?? true
      else { continue }
      entries[index].count += 1
      let isDue = fault.occurrence.includes(entries[index].count, &entries[index].chance)
      guard isDue else { continue }
      if case .delays(let nanoseconds) = fault.effect {
        verdict.delay += nanoseconds
      } else if verdict.effect == nil {
        verdict.effect = fault.effect
      }
    }
    return verdict
  }

  /// The effect could not show itself on this call: its `once` waits for the next.
  mutating func postpone(_ effect: Fault.Effect) {
    for index in entries.indices where entries[index].fault.effect == effect {
      if case .once(let number) = entries[index].fault.occurrence, entries[index].count == number {
        entries[index].count -= 1
      }
    }
  }
}
