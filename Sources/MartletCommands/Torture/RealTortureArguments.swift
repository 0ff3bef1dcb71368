package import ArgumentParser
package import Verification

/// What `martlet torture --real` can be told besides.
package struct RealTortureArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "With --real: the folder to work in, absent or empty.", visibility: .default),
    completion: .directory)
  package var directory: String?

  @Option(help: "With --real: only the lives that lead up to this one, and it.")
  package var onlyLife: Int?

  @Option(help: "With --real: all commits of this grade; otherwise they take turns.")
  package var grade: RealGrade?

  @Option(help: "With --real: the longest time for which a process is stopped, in milliseconds.")
  package var stopMilliseconds: Double = 3000

  @Flag(inversion: .prefixedNo, help: "With --real: fill disks as well.")
  package var fullDisks = true

  @Option(help: ArgumentHelp("A lie of the file system, that must be caught.", visibility: .hidden))
  package var lie: RealLie?

  package init() {}

  func torture(runs: Int?, seed: UInt64, json: Bool) -> RealTorture {
    var options = RealTorture.Options(seed: seed)
    options.runs = runs ?? options.runs
    options.directory = directory
    options.onlyLife = onlyLife
    options.grade = grade
    options.longestStop = stopMilliseconds
    options.fillsDisks = fullDisks
    options.json = json
    options.lie = lie
    return RealTorture(options)
  }
}
