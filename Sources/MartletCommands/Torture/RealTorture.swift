internal import Foundation
package import Verification

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// `martlet torture --real`: writers on the real file system, killed again and again.
///
/// A writer is a process of its own that tells its parent, through a pipe, of each step before it
/// takes it and after it was acknowledged. Killed at a random moment or at a named point, it is
/// followed by another one on the same directory, whose first act is to tell what it found there:
/// so each recovery is judged, and most are recoveries of what a recovery left.
///
/// What SIGKILL cannot show is a lost page cache: for that there is the simulator.
package struct RealTorture {
  package struct Options: Sendable {
    /// Lives that end by chance. Each named point is an end beside them.
    package var runs = 300
    package var seed: UInt64
    /// Where to work: absent or empty. A temporary folder when nil.
    package var directory: String?
    /// Only the lives that lead up to this one, and it.
    package var onlyLife: Int?
    /// All commits of one grade; the three take turns when nil.
    package var grade: RealGrade?
    /// How long a process is stopped, at most, in milliseconds.
    package var longestStop: Double = 3000
    /// Whether disks are filled as well.
    package var fillsDisks = true
    package var json = false
    package var isQuiet = false
    /// What the file system of the writers claims and does not do: the torture must find out.
    package var lie: RealLie?

    package init(seed: UInt64) { self.seed = seed }
  }

  private let options: Options

  package init(_ options: Options) { self.options = options }

  /// - Throws: `ToolError` when a promise was broken, a named point was never reached, or the
  ///   torture could not be carried out.
  package func run() throws {
    guard let program = Bundle.main.executableURL else {
      throw ToolError("the path of this program is not known")
    }
    _ = signal(SIGPIPE, SIG_IGN)
    Interruption.watch()
    let temporary = FileManager.default.temporaryDirectory
      .appendingPathComponent("martlet-torture-\(UUID().uuidString)").path
    let folder = try TourDirectory(options.directory ?? temporary)
    let plan = RealPlan(
      seed: options.seed, runs: options.runs,
      grades: options.grade.map { [$0] } ?? RealGrade.allCases, longestStop: options.longestStop)
    if !options.isQuiet && !options.json {
      try Descriptor.standardOutput.write(
        "martlet torture --real: seed \(options.seed), \(Figures.count(plan.lifeCount)) lives, in "
          + "\(folder.path)\n")
    }
    let clock = ContinuousClock()
    let start = clock.now
    let reporter = RealProgress(lifeCount: plan.lifeCount, isQuiet: options.isQuiet || options.json)
    var campaign = RealCampaign(
      program: program, folder: folder.path, lie: options.lie, seed: options.seed
    ) { reporter.update($0) }
    do {
      try carryOut(plan, &campaign)
    } catch {
      reporter.finish()
      if Interruption.isAsked {
        try? folder.remove()
        throw ToolError("interrupted")
      }
      throw try describe(error, campaign)
    }
    reporter.finish()
    campaign.summary.elapsed = clock.now - start
    try folder.remove()
    var output = Output()
    if options.json {
      try output.line(campaign.summary.json.text)
    } else {
      try output.line(campaign.summary.lines.joined(separator: "\n"))
    }
    try output.flush()
    if options.onlyLife == nil, let point = campaign.summary.missedPoints.first {
      throw ToolError(
        "\(Figures.count(campaign.summary.missedPoints.count, "named point")) was never reached, "
          + "the first: \(point)")
    }
  }

  private func carryOut(_ plan: RealPlan, _ campaign: inout RealCampaign) throws {
    if let life = options.onlyLife {
      for era in plan.upTo(life: life) { _ = try campaign.run(era) }
      return
    }
    var missed: [RealPlan.Ending] = []
    for era in plan.eras { missed += try campaign.run(era) }
    // Chance may pass a point by: a few more lives, with other workloads, for those.
    var number = plan.lifeCount
    for attempt in 0..<6 where !missed.isEmpty {
      let era = plan.era(plan.eras.count + attempt, again: missed, from: number)
      number += era.lives.count
      missed = try campaign.run(era)
    }
    if options.fillsDisks { try campaign.fillDisks(seed: options.seed) }
  }

  /// The failure in one line, the rest of what is wrong before it.
  private func describe(_ error: any Error, _ campaign: RealCampaign) throws -> ToolError {
    guard let failure = error as? RealFailure else {
      return ToolError("\(ToolError(describing: error).description) (\(campaign.place))")
    }
    for violation in failure.violations {
      try Descriptor.standardError.write("violation: \(violation)\n")
    }
    var command = "martlet torture --real --runs \(options.runs) --seed \(options.seed)"
    if let life = campaign.lastLife { command += " --only-life \(life)" }
    if let grade = options.grade { command += " --grade \(grade.rawValue)" }
    return ToolError(
      "\(Figures.count(failure.violations.count, "promise")) broken, \(campaign.place), which is kept; "
        + "as far as timing allows, again with: \(command)")
  }
}
