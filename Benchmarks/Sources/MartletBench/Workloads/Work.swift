/// The work of one trial, with all its input laid out before the engine is opened.
protocol Work: Sendable {
  /// Brings the freshly opened engine into the state in which the clock may start.
  func prepare(_ engine: any Engine) throws

  /// Does the work and times the work alone.
  func run(_ engine: any Engine) throws -> TimedWork

  /// Whether records change, so that the final state is scanned and joins the checksum.
  var writes: Bool { get }

  /// How many records the engine holds in the end.
  var finalRecordCount: Int { get }

  /// What a scan of the final state must add up to; nil where engines are only held against each
  /// other.
  var finalChecksum: Checksum? { get }
}

extension Work {
  var finalChecksum: Checksum? { nil }
}

/// What the timed part of a trial yields.
struct TimedWork: Sendable {
  let nanoseconds: UInt64
  let processorNanoseconds: UInt64
  let operations: Int
  let checksum: Checksum
  /// Nanoseconds of each operation, where single operations are timed.
  let latencies: [UInt32]
  /// How often a transaction ran, the repetitions included; as `operations` where nothing is
  /// repeated.
  let attempts: Int
  /// Whether all was done that was to be done, so that the checksum can be compared.
  let isComplete: Bool

  init<Result: Sendable>(
    _ teamwork: Team.Teamwork<Result>, operations: Int, checksum: Checksum = Checksum(),
    latencies: [UInt32] = [], attempts: Int? = nil, isComplete: Bool = true,
    pausedNanoseconds: UInt64 = 0
  ) {
    nanoseconds = teamwork.nanoseconds - pausedNanoseconds
    processorNanoseconds = teamwork.processorNanoseconds
    self.operations = operations
    self.checksum = checksum
    self.latencies = latencies
    self.attempts = attempts ?? operations
    self.isComplete = isComplete
  }

  /// The work of one thread among others, on its own clocks.
  init(_ work: ThreadWork, checksum: Checksum) {
    nanoseconds = work.nanoseconds
    processorNanoseconds = work.processorNanoseconds
    operations = work.operations
    self.checksum = checksum
    latencies = []
    attempts = work.operations
    isComplete = true
  }
}
