/// What a run was: for the head of every report.
struct RunDescription: Sendable {
  let command: String
  let machine: Machine
  let directory: String
  let rounds: Int
  let seed: UInt64
  let isQuick: Bool

  static var compiler: String {
    #if compiler(>=6.4)
      "Swift 6.4 or newer"
    #elseif compiler(>=6.3)
      "Swift 6.3"
    #else
      "Swift 6.2"
    #endif
  }

  static var build: String {
    #if DEBUG
      "DEBUG build (figures mean nothing)"
    #else
      "release build"
    #endif
  }

  /// Names and texts of what stands above the figures.
  func facts(_ results: Results) -> [(name: String, text: String)] {
    let scale = results.scale
    return [
      ("command", command),
      ("machine", machine.summary),
      ("compiler", "\(Self.compiler), \(Self.build)"),
      ("folder", "\(directory) (\(Device.fileSystem(of: directory) ?? "unknown file system"))"),
      (
        "data",
        "\(scale.records) records of \(RecordShape.keyByteCount) B keys and"
          + " \(RecordShape.valueByteCount) B values, seed \(seed)"
      ),
      (
        "memory",
        "\(scale.cacheByteCount >> 20) MiB for each engine, all data fits; at larger-than-memory"
          + " \(scale.coldBudget >> 20) MiB for \(Scale.overcommitment) times as much data"
      ),
      ("rounds", "\(rounds), engines in turns, each trial in a process and a folder of its own"),
      (
        "warm-up",
        "reads, scans, puts: sorted load, checkpoint or sync, one full scan; point reads then a"
          + " tenth of the reads; loads: until the engine's memory no longer grows"
      ),
    ]
  }
}
