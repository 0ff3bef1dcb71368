/// What a trial found; travels from its process to the one that compares, as JSON.
struct Outcome: Codable, Sendable {
  let operations: Int
  /// The timed part; at `reopen` opening and reading one key.
  let seconds: Double
  /// What all threads of the process spent in it.
  let processorSeconds: Double
  /// How often a transaction ran until it had committed, on average.
  let attempts: Double
  /// Over every value read in the timed part and, if it wrote, every record of the final state; nil
  /// when the engine was stopped before it had read all.
  let checksum: UInt64?
  let latency: LatencySummary?
  /// To sync or checkpoint after the timed part.
  let settleSeconds: Double
  let closeSeconds: Double
  /// From before the engine was opened until it settled.
  let peakMemoryByteCount: Int
  /// Allocated on the device after it settled.
  let dataByteCount: Int
  let logByteCount: Int
  /// What the system cached of the files meanwhile, on average, where data is larger than memory.
  let cachedByteCount: Int?

  /// At `reopen`, commits before the kill for each second of opening.
  var operationsPerSecond: Double { Double(operations) / seconds }
  var operationsPerProcessorSecond: Double { Double(operations) / processorSeconds }
  /// Processor time an operation, of all threads of the process.
  var processorMicroseconds: Double { processorSeconds * 1e6 / Double(operations) }
}
