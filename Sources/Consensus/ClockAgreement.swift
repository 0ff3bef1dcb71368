internal import Primitives

/// Whether another node's boot clock runs as fast as the own one, as far as two of its answers tell
/// (rule L4). Each answer carries its clock at a moment that lies between the sending of the
/// question and the arrival of the answer; so two answers bound by how much the own clock went on
/// between the two moments, and the other clock must have gone on by as much, give or take the
/// rate that both may be wrong by. A clock that stands still in sleep, or that a machine's pause
/// held up, does not pass.
struct ClockAgreement: Hashable, Sendable {
  private struct Sample: Hashable, Sendable {
    let asked: BootTime
    let answered: BootTime
    let clock: BootTime
  }

  private var first: Sample?

  /// Takes an answer. False: the clocks disagree.
  mutating func isConsistent(
    asked: BootTime, answered: BootTime, clock: BootTime, rateBound: UInt64, span: UInt64
  ) -> Bool {
    let sample = Sample(asked: asked, answered: answered, clock: clock)
    guard asked <= answered else { return true }
    // A clock that begins again is another life of the node.
    guard let first, first.clock <= clock, first.answered <= asked else {
      if first.map({ $0.clock > clock }) ?? true { self.first = sample }
      return true
    }
    let elapsed = clock.elapsed(since: first.clock)
    let most = answered.elapsed(since: first.asked)
    let least = asked.elapsed(since: first.answered)
    // Both clocks may be off by the bound: twice that, and what is left of squares.
    let slack = 2 * rateBound + 1_000
    let isConsistent =
      elapsed <= most + most / 1_000_000 * slack + slack
      && elapsed + elapsed / 1_000_000 * slack + slack >= least
    // The window moves on, so that an old disagreement is not held against it for ever.
    if most > span || !isConsistent { self.first = sample }
    return isConsistent
  }
}
