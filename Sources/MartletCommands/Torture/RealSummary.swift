internal import Verification

/// What a torture of real processes did, in figures.
struct RealSummary: Sendable {
  var seed: UInt64 = 0
  var lives = 0
  /// Processes that were killed from outside while they served their threads.
  var randomKills = 0
  /// Processes that were killed, or killed themselves, while they opened the database.
  var openingKills = 0
  /// Processes that killed themselves at a named point.
  var pointKills = 0
  /// How often each named point was reached.
  var points: [String: Int] = [:]
  var stops = 0
  var closings = 0
  var races = 0
  /// Processes that found the database open in another one.
  var refusedOpenings = 0
  var openings = 0
  var acknowledged = 0
  /// Steps found although their acknowledgement had not arrived.
  var unacknowledged = 0
  /// Acknowledged relaxed steps that were gone, in all and at most at one kill.
  var lost = 0
  var mostLost = 0
  var mostLostNanoseconds: UInt64 = 0
  var longestOpening: UInt64 = 0
  /// Attempts that ended with an error after which the same may be tried again.
  var refusals: [String: Int] = [:]
  /// What the engine did meanwhile, as far as the processes had time to tell.
  var effort = RealEffort()
  /// The ways in which the disk was full.
  var fullDisks: [String] = []
  var fullDiskRefusals = 0
  var elapsed = Duration.zero

  var kills: Int { randomKills + openingKills + pointKills }

  var missedPoints: [String] { KillPoint.all.map(\.name).filter { points[$0, default: 0] == 0 } }

  mutating func add(_ verdict: RealModel.Verdict) {
    acknowledged += verdict.acknowledged
    unacknowledged += verdict.unacknowledged
    lost += verdict.lost
    mostLost = max(mostLost, verdict.lost)
    mostLostNanoseconds = max(mostLostNanoseconds, verdict.lostNanoseconds)
  }

  var killsPerSecond: Double {
    let seconds = Figures.seconds(elapsed)
    return seconds > 0 ? Double(kills) / seconds : 0
  }

  /// For people.
  var lines: [String] {
    func row(_ name: String, _ value: String) -> String {
      name + String(repeating: " ", count: max(1, 44 - name.count)) + value
    }
    let hit = KillPoint.all.count - missedPoints.count
    var lines = [
      row("processes killed while they committed", Figures.count(randomKills)),
      row(
        "  at named points", "\(Figures.count(pointKills)), \(hit) of \(KillPoint.all.count) points"
      ),
      row("  while they opened the database", Figures.count(openingKills)),
      row("  after being stopped for a while", Figures.count(stops)),
      row("databases closed", Figures.count(closings)),
      row(
        "races to open",
        "\(Figures.count(races)), \(Figures.count(refusedOpenings)) found it open already"),
      row("disks really full", fullDisks.isEmpty ? "none" : fullDisks.joined(separator: ", ")),
      row("acknowledged commits, verified", Figures.count(acknowledged)),
      row("  under way at a kill, kept whole", Figures.count(unacknowledged)),
      row("  relaxed ones lost, always a suffix", Figures.count(lost)),
    ]
    if lost > 0 {
      lines.append(
        row(
          "  at most, at one kill",
          "\(Figures.count(mostLost)), of \(Figures.time(.nanoseconds(Int64(mostLostNanoseconds))))"
        ))
    }
    func effort(_ name: String) -> String {
      let index = RealEffort.names.firstIndex(of: name) ?? 0
      return Figures.count(self.effort.figures[index])
    }
    lines += [
      row(
        "checkpoints, log segments used again",
        "\(effort("checkpoints")), \(effort("logSegmentsReused"))"),
      row(
        "evictions, of pages that were changed",
        "\(effort("evictions")), \(effort("dirtyEvictions"))"),
      row("longest opening", Figures.time(.nanoseconds(Int64(longestOpening)))),
      row(
        "time",
        "\(Figures.time(elapsed)), \(Figures.fixed(killsPerSecond, digits: 1)) kills/s"),
    ]
    return lines
  }

  /// For scripts.
  var json: JSON {
    func table(_ counts: [String: Int]) -> JSON {
      .object(counts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, JSON($0.value)) })
    }
    return .object([
      .init("seed", JSON(seed)), .init("lives", JSON(lives)), .init("kills", JSON(kills)),
      .init("randomKills", JSON(randomKills)), .init("pointKills", JSON(pointKills)),
      .init("openingKills", JSON(openingKills)), .init("stops", JSON(stops)),
      .init("closings", JSON(closings)), .init("races", JSON(races)),
      .init("refusedOpenings", JSON(refusedOpenings)), .init("openings", JSON(openings)),
      .init("acknowledged", JSON(acknowledged)),
      .init("unacknowledged", JSON(unacknowledged)), .init("lost", JSON(lost)),
      .init("mostLost", JSON(mostLost)),
      .init("mostLostMicroseconds", JSON(mostLostNanoseconds / 1000)),
      .init("longestOpeningMicroseconds", JSON(longestOpening / 1000)),
      .init(
        "effort",
        .object(zip(RealEffort.names, effort.figures).map { JSON.Member($0, JSON($1)) })),
      .init("refusals", table(refusals)), .init("points", table(points)),
      .init("missedPoints", .array(missedPoints.map { .string($0) })),
      .init("fullDisks", .array(fullDisks.map { .string($0) })),
      .init("fullDiskRefusals", JSON(fullDiskRefusals)),
      .init("milliseconds", JSON(Int(Figures.seconds(elapsed) * 1000))),
    ])
  }
}
