/// Passes over all records in key order, on settled data.
struct ScanWork: Work {
  private let load: LoadWork
  private let passes: Int
  let finalRecordCount: Int
  var writes: Bool { false }

  init(_ dataset: Dataset, passes: Int) {
    load = LoadWork(dataset, sorted: true)
    self.passes = passes
    finalRecordCount = dataset.recordCount
  }

  func prepare(_ engine: any Engine) throws {
    _ = try load.run(engine)
    try engine.settle()
    _ = try Self.scan(engine, passes: 1)
  }

  func run(_ engine: any Engine) throws -> TimedWork {
    try Self.scan(engine, passes: passes)
  }

  static func scan(_ engine: any Engine, passes: Int) throws -> TimedWork {
    let teamwork = try Team.run(threads: 1) { _ in
      try engine.makeSession()
    } work: { _, session in
      var checksum = Checksum()
      for _ in 0..<passes { try session.scan(into: &checksum) }
      return checksum
    }
    let checksum = teamwork.results[0]
    return TimedWork(teamwork, operations: checksum.count, checksum: checksum)
  }
}
