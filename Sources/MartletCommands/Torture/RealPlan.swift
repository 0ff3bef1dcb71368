internal import Verification

/// What is to happen to the processes of a campaign: follows from the seed and the number of runs.
struct RealPlan: Sendable {
  /// How one life ends.
  enum Ending: Sendable {
    /// SIGKILL, so many milliseconds after every thread has committed.
    case atRandom(milliseconds: Double)
    /// SIGKILL so many milliseconds after the process began to open.
    case whileOpening(milliseconds: Double)
    /// The process kills itself before the so manieth change that opening makes.
    case atChange(Int)
    /// The process kills itself at a named point.
    case at(KillPoint, occurrence: Int)
    /// SIGSTOP for a while, SIGCONT, and SIGKILL when it has committed again.
    case stopped(milliseconds: Double)
    /// The database is closed.
    case closed
    /// So many processes open at once, and the one that succeeded is killed.
    case race(Int)

    /// Whether it asks for an empty directory.
    var isInCreation: Bool {
      guard case .at(let point, _) = self else { return false }
      return point.phase == .creating
    }
  }

  struct Life: Sendable {
    let number: Int
    let ending: Ending
  }

  /// Lives on one directory, one after another.
  struct Era: Sendable {
    let number: Int
    let workload: RealWorkload
    var lives: [Life]
  }

  private(set) var eras: [Era] = []

  static let livesOfEra = 30

  /// - Parameter grades: what eras take turns with.
  init(seed: UInt64, runs: Int, grades: [RealGrade], longestStop: Double) {
    var generator = SeededGenerator(seed: seed)
    var endings = Self.chance(runs, longestStop, &generator)
    endings += Self.points(&generator)
    endings.shuffle(using: &generator)
    // What needs an empty directory comes first in an era, the rest as chance has it.
    var blocks = endings
    var first: [[Ending]] = [Self.creations, [.race(8)], [.race(2)]]
    var number = 0
    while !blocks.isEmpty || !first.isEmpty {
      var lives = first.isEmpty ? [.atRandom(milliseconds: 100)] : first.removeFirst()
      while lives.count < Self.livesOfEra, let block = blocks.popLast() { lives += block }
      let workload = RealWorkload(
        seed: generator.next(), threadCount: 2 + eras.count % 3,
        grade: grades[eras.count % grades.count],
        // The smallest one until every point had its chance.
        variant: eras.count < 3 ? 0 : eras.count)
      eras.append(
        Era(
          number: eras.count, workload: workload,
          lives: lives.map { ending in
            defer { number += 1 }
            return Life(number: number, ending: ending)
          }))
    }
  }

  var lifeCount: Int { eras.reduce(0) { $0 + $1.lives.count } }

  /// An era for endings that were not reached, behind those of the plan.
  func era(_ number: Int, again endings: [Ending], from first: Int) -> Era {
    let workload = RealWorkload(
      seed: eras[number % eras.count].workload.seed &+ UInt64(number), threadCount: 3,
      grade: eras[number % eras.count].workload.grade)
    // What is to happen in an opening needs a database.
    var lives: [Ending] = endings.filter(\.isInCreation) + [.atRandom(milliseconds: 50)]
    for ending in endings where !ending.isInCreation {
      guard case .at(let point, _) = ending else { continue }
      if let name = point.predecessor, let predecessor = KillPoint.named(name) {
        lives.append(.at(predecessor, occurrence: 1))
      }
      lives.append(.at(point, occurrence: 1))
    }
    return Era(
      number: number, workload: workload,
      lives: lives.enumerated().map { Life(number: first + $0.offset, ending: $0.element) })
  }

  /// Only the era of one life, up to it: a life begins with what those before it left.
  func upTo(life number: Int) -> [Era] {
    eras.compactMap { era in
      guard era.lives.contains(where: { $0.number == number }) else { return nil }
      var era = era
      era.lives.removeAll { $0.number > number }
      return era
    }
  }

  private static func chance(
    _ count: Int, _ longestStop: Double, _ generator: inout SeededGenerator
  ) -> [[Ending]] {
    (0..<count).map { index in
      switch index % 20 {
      case 3, 13:
        // Recovery after recovery is cut off.
        return (0...index % 3).map { _ in
          .atChange(Int.random(in: 1...(index % 40 == 3 ? 40 : 8), using: &generator))
        }
      case 7: return [.whileOpening(milliseconds: Double.random(in: 0...15, using: &generator))]
      case 11: return [.closed]
      case 17 where index % 60 == 17:
        return [.stopped(milliseconds: Double.random(in: 0.5...1, using: &generator) * longestStop)]
      case 19 where index % 60 == 19: return [.race(index % 40 == 19 ? 8 : 2)]
      default: return [.atRandom(milliseconds: Double.random(in: 0...250, using: &generator))]
      }
    }
  }

  /// Every named point once; those that need something left by another right behind it.
  private static func points(_ generator: inout SeededGenerator) -> [[Ending]] {
    KillPoint.all.filter { $0.phase != .creating }.map { point in
      let ending = Ending.at(
        point, occurrence: Int.random(in: 1...point.occurrenceLimit, using: &generator))
      guard let name = point.predecessor, let predecessor = KillPoint.named(name) else {
        return [ending]
      }
      return [.at(predecessor, occurrence: 1), ending]
    }
  }

  /// Attempts to make a database in one directory, each coming a little further than the last.
  private static var creations: [Ending] {
    KillPoint.all.filter { $0.phase == .creating }.map { .at($0, occurrence: 1) }
  }
}
