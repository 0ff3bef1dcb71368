extension Simulator {
  /// An order of threads, given by where it departs from the plain one.
  ///
  /// In the plain order a thread goes on until it sleeps, spins or ends, and then the thread that
  /// has been ready longest does. Every call into a seam at which other threads are ready is a
  /// choice, and so is every end of a turn at which several are. A schedule with n deviations is
  /// therefore one with at most n preemptions more than must be, and the schedules with up to n
  /// deviations are all orders that so many can make: most errors of concurrency need one or two
  /// (Musuvathi and Qadeer 2007).
  package struct Schedule: Sendable, Hashable, CustomStringConvertible {
    /// By the number of the choice, counted from zero: which of the others goes on,
    /// counted round and round.
    package var deviations: [Int: Int]

    package init(deviations: [Int: Int] = [:]) { self.deviations = deviations }

    package var description: String {
      deviations.isEmpty
        ? "the plain order"
        : deviations.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
          .joined(separator: " ")
    }

    /// The schedules with one deviation more, all later than those there are: so that each is met
    /// once. `widths`: the choices that a run of this one met.
    package func extended(over widths: [Int]) -> [Schedule] {
      let first = (deviations.keys.max() ?? -1) + 1
      return (min(first, widths.count)..<widths.count).flatMap { point in
        (0..<widths[point]).map { choice in
          var schedule = self
          schedule.deviations[point] = choice
          return schedule
        }
      }
    }
  }
}
