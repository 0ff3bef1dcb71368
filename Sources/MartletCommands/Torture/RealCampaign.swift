internal import Foundation
internal import Verification

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Starts, kills and judges the processes of one directory after another.
///
/// - Invariant RT1: nothing is committed into a directory whose last recovery was not judged, so
///   that a broken promise is kept as it was found.
struct RealCampaign {
  let program: URL
  let folder: String
  let lie: RealLie?
  var summary: RealSummary
  /// Called after each life.
  let progress: (RealSummary) -> Void

  private var lastDirectory = ""
  /// The life that is or was last under way; nil outside the plan.
  private(set) var lastLife: Int?

  /// Where the last life is or was.
  var place: String { (lastLife.map { "life \($0), " } ?? "") + "in \(lastDirectory)" }

  init(
    program: URL, folder: String, lie: RealLie?, seed: UInt64,
    progress: @escaping (RealSummary) -> Void
  ) {
    self.program = program
    self.folder = folder
    self.lie = lie
    self.progress = progress
    summary = RealSummary()
    summary.seed = seed
  }

  // MARK: Eras

  /// Runs lives on a directory of their own, and removes it when all was well. Returns the endings
  /// at named points that were not reached.
  mutating func run(_ era: RealPlan.Era) throws -> [RealPlan.Ending] {
    var directory = RealDirectory(path: "\(folder)/era-\(era.number)", workload: era.workload)
    lastDirectory = directory.path
    var missed: [RealPlan.Ending] = []
    for life in era.lives {
      try Interruption.check()
      lastLife = life.number
      if try !run(life, in: &directory) { missed.append(life.ending) }
      summary.lives += 1
      progress(summary)
    }
    try directory.inspect(&summary)
    // Once more, after it was closed and opened.
    try directory.inspect(&summary)
    try FileManager.default.removeItem(atPath: directory.path)
    return missed
  }

  /// One life. False when the named point it was to end at was not reached.
  private mutating func run(
    _ life: RealPlan.Life, in directory: inout RealDirectory
  ) throws -> Bool {
    switch life.ending {
    case .race(let count): try race(count, life.number, in: &directory)
    case .whileOpening(let milliseconds):
      try killWhileOpening(milliseconds, life.number, in: &directory)
    case .atChange(let number):
      return try run(life, in: &directory, ["--change", String(number)])
    case .at(let point, let occurrence):
      var arguments = ["--point", point.name, "--occurrence", String(occurrence)]
      if point.phase == .closing { arguments += ["--steps", "40"] }
      return try run(life, in: &directory, arguments)
    case .closed: return try run(life, in: &directory, ["--steps", "60"])
    case .atRandom, .stopped: return try run(life, in: &directory, [])
    }
    return true
  }

  private mutating func run(
    _ life: RealPlan.Life, in directory: inout RealDirectory, _ arguments: [String]
  ) throws -> Bool {
    let process = try start(directory, life.number, arguments)
    guard try open(process, life.number, in: &directory) else {
      // It killed itself while it opened.
      try conclude(process, life.number, process.join(), in: &directory)
      return try wasReached(life.ending)
    }
    process.send(directory.positions)
    switch life.ending {
    case .atRandom(let milliseconds):
      try waitUntilCommitting(process, directory)
      Thread.sleep(forTimeInterval: milliseconds / 1000)
    case .stopped(let milliseconds):
      try waitUntilCommitting(process, directory)
      try pause(process, milliseconds)
    case .at(let point, _):
      let isOver = point.phase == .opening || point.phase == .creating
      let hasEnded = try process.waitForEnd(limit: .milliseconds(isOver ? 20 : 2500))
      if hasEnded || point.phase == .closing {
        try conclude(process, life.number, process.join(), in: &directory)
        return try wasReached(life.ending)
      }
    case .closed:
      try conclude(process, life.number, process.join(), in: &directory)
      return true
    case .atChange:
      // Opening made fewer changes than that.
      Thread.sleep(forTimeInterval: 0.02)
    case .whileOpening, .race: break
    }
    try conclude(process, life.number, process.kill9(), in: &directory)
    if case .at = life.ending { return try wasReached(life.ending) }
    return true
  }

  private func wasReached(_ ending: RealPlan.Ending) throws -> Bool {
    guard case .at(let point, _) = ending else { return true }
    return summary.points[point.name, default: 0] > 0
  }

  /// Lives outside the plan begin in a directory.
  mutating func note(_ directory: RealDirectory) {
    lastDirectory = directory.path
    lastLife = nil
  }

  // MARK: Beginnings

  func start(
    _ directory: RealDirectory, _ life: Int, _ arguments: [String]
  ) throws -> RealProcess {
    var arguments = directory.arguments(life: life) + arguments
    if let lie { arguments += ["--lie", lie.rawValue] }
    return try RealProcess(program: program, arguments: arguments)
  }

  /// Waits until the process told what it found, and judges that. False when it ended before.
  mutating func open(
    _ process: RealProcess, _ life: Int, in directory: inout RealDirectory
  ) throws -> Bool {
    guard try process.wait(for: "opening", until: { $0.hasAnswered }) else { return false }
    for record in try process.take() {
      switch record.kind {
      case .opened: summary.longestOpening = max(summary.longestOpening, record.figure)
      case .notOpened:
        throw RealFailure(["a process cannot open the database: \(record.text)"])
      case .dump:
        summary.openings += 1
        try directory.judge(RealDump(decoding: record.tail), &summary)
      default: directory.model.note(record, life: UInt64(life))
      }
    }
    return true
  }

  /// Waits until every thread has had time to commit.
  func waitUntilCommitting(_ process: RealProcess, _ directory: RealDirectory) throws {
    let count = 2 * directory.workload.threadCount
    _ = try process.wait(for: "a commit") { $0.acknowledged >= count }
  }

  // MARK: Endings

  /// Takes what a process said until its end, and counts the end.
  mutating func conclude(
    _ process: RealProcess, _ life: Int, _ ending: RealProcess.Ending,
    in directory: inout RealDirectory
  ) throws {
    var wasNamed = false
    var wasClosed = false
    var hasServed = false
    var effort = RealEffort()
    for record in try process.take() {
      switch record.kind {
      case .point:
        if record.number < UInt64(KillPoint.all.count) {
          wasNamed = true
          summary.points[KillPoint.all[Int(record.number)].name, default: 0] += 1
        }
      case .closed: wasClosed = true
      case .refused: summary.refusals[record.text, default: 0] += 1
      case .attempt: hasServed = true
      case .effort: effort = RealEffort(decoding: record.tail)
      default: break
      }
      directory.model.note(record, life: UInt64(life))
    }
    summary.effort.add(effort)
    switch ending {
    case .killed where wasNamed: summary.pointKills += 1
    case .killed where hasServed: summary.randomKills += 1
    case .killed: summary.openingKills += 1
    case .exited(0) where wasClosed: summary.closings += 1
    case .exited(let status):
      throw RealFailure(["the process ended by itself, with \(status)"] + complaints(directory))
    case .crashed(let signal):
      throw RealFailure(["the process crashed with signal \(signal)"] + complaints(directory))
    }
    let complaints = complaints(directory)
    if !complaints.isEmpty { throw RealFailure(complaints) }
  }

  private func complaints(_ directory: RealDirectory) -> [String] { directory.model.complaints }

  private mutating func killWhileOpening(
    _ milliseconds: Double, _ life: Int, in directory: inout RealDirectory
  ) throws {
    let process = try start(directory, life, [])
    _ = try process.wait(for: "its beginning") { $0.isReady }
    Thread.sleep(forTimeInterval: milliseconds / 1000)
    try conclude(process, life, process.kill9(), in: &directory)
  }

  /// Stops the process for a while, and waits until it commits again.
  private mutating func pause(_ process: RealProcess, _ milliseconds: Double) throws {
    Thread.sleep(forTimeInterval: 0.03)
    process.signal(SIGSTOP)
    Thread.sleep(forTimeInterval: milliseconds / 1000)
    let before = process.acknowledged
    process.signal(SIGCONT)
    guard
      try process.wait(
        for: "a commit after it was stopped", until: { $0.acknowledged > before + 20 })
    else { return }
    // What was relaxed before it was stopped has time to become durable.
    Thread.sleep(forTimeInterval: 0.05)
    summary.stops += 1
  }

  // MARK: Races

  /// Several processes open at once: one of them succeeds, and is killed after it has committed;
  /// the others are told that the database is open.
  private mutating func race(
    _ count: Int, _ life: Int, in directory: inout RealDirectory
  ) throws {
    let processes = try (0..<count).map { _ in try start(directory, life, ["--waits"]) }
    for process in processes { _ = try process.wait(for: "its beginning") { $0.isReady } }
    for process in processes { process.send([0]) }
    var winner: RealProcess?
    for process in processes {
      guard try process.wait(for: "opening", until: { $0.hasAnswered }) else {
        throw RealFailure(["a process ended in a race to open"])
      }
      if try process.wait(for: "opening", until: { $0.hasOpened }) {
        if winner != nil { throw RealFailure(["two processes have the database open at once"]) }
        winner = process
      } else {
        try expectRefusal(process)
      }
    }
    guard let winner else { throw RealFailure(["of \(count) processes none could open"]) }
    summary.races += 1
    _ = try open(winner, life, in: &directory)
    winner.send(directory.positions)
    try waitUntilCommitting(winner, directory)
    // Nobody gets in while it lives.
    let late = try start(directory, life, [])
    _ = try late.wait(for: "opening") { $0.hasAnswered }
    try expectRefusal(late)
    try conclude(winner, life, winner.kill9(), in: &directory)
    // And at once when it is dead.
    try directory.inspect(&summary)
  }

  private mutating func expectRefusal(_ process: RealProcess) throws {
    let answer = try process.take().first { $0.kind == .notOpened }
    let ending = process.join()
    guard let answer, answer.text.hasPrefix("alreadyOpen: "), ending == .exited(0) else {
      throw RealFailure([
        "a process that came second was told: \(answer?.text ?? "nothing"), and ended: \(ending)"
      ])
    }
    summary.refusedOpenings += 1
  }
}
