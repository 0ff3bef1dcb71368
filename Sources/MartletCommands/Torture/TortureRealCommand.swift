package import ArgumentParser
package import Verification

/// The torture of real processes by itself.
package struct TortureRealCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "torture-real", abstract: "Kill writers on the real file system.",
    shouldDisplay: false)

  @Option package var runs: Int = 300
  @Option package var seed: UInt64?
  @Option(completion: .directory) package var directory: String?
  @Option package var onlyLife: Int?
  @Option package var grade: RealGrade?
  /// The longest time for which a process is stopped.
  @Option package var stopMilliseconds: Double = 3000
  @Flag(inversion: .prefixedNo) package var fullDisks = true
  @Flag package var json = false
  @Flag package var quiet = false
  @Option package var lie: RealLie?

  package init() {}

  package func validate() throws {
    if runs < 1 { throw ValidationError("--runs must be at least 1") }
  }

  package func run() throws {
    var options = RealTorture.Options(seed: seed ?? UInt64.random(in: 1...999_999_999))
    options.runs = runs
    options.directory = directory
    options.onlyLife = onlyLife
    options.grade = grade
    options.longestStop = stopMilliseconds
    options.fillsDisks = fullDisks
    options.json = json
    options.isQuiet = quiet
    options.lie = lie
    try RealTorture(options).run()
  }
}
