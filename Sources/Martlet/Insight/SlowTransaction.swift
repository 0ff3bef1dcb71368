/// A transaction that took longer than `Configuration.slowTransactionThreshold`, and where its time
/// went.
///
/// Times are of a clock that costs next to nothing and is right to about ten milliseconds.
public struct SlowTransaction: Sendable, Hashable, Codable {
  /// The number of its last attempt; zero for a reader, which has none.
  public var transaction: UInt64
  /// What the program calls it.
  public var label: String?
  /// What it could see of others; a reader's is `.snapshot`.
  public var isolation: IsolationLevel
  /// How often its body ran.
  public var attempts: Int
  /// `committed`, `read`, `rolledBack` (by what its body threw), or the name of the
  /// `DatabaseError.Code` that ended it.
  public var outcome: String
  /// When it ended: wall-clock nanoseconds since 1970.
  public var endedAt: UInt64
  /// From its begin to its end.
  public var total: Duration
  /// In its body, over all attempts, waits for locks left out.
  public var body: Duration
  /// Waiting for locks.
  public var lockWait: Duration
  /// In pauses between attempts.
  public var backOff: Duration
  /// Certifying, ordering and applying its writes.
  public var commit: Duration
  /// Waiting for the device.
  public var flush: Duration

  /// One line: the total, and the phases that make it up.
  public var summary: String {
    let owner = transaction == 0 ? "a read-only snapshot" : "transaction \(transaction)"
    let phases = [
      ("body", body), ("lock wait", lockWait), ("back-off", backOff), ("commit", commit),
      ("flush", flush),
    ].filter { $0.1 > .zero }.map { "\($0.0) \(Self.milliseconds($0.1))" }
    let runs = attempts == 1 ? "" : " in \(attempts) attempts"
    return
      "\(owner)\(label.map { " \"\($0)\"" } ?? "") took \(Self.milliseconds(total))\(runs) and "
      + "ended as \(outcome): \(phases.joined(separator: ", "))"
  }

  private static func milliseconds(_ duration: Duration) -> String {
    "\(duration.nanoseconds / 1_000_000) ms"
  }
}

/// The slowest transactions of late.
///
/// The slowest ever would soon be some that nobody can explain any more. So there are two halves,
/// each of the slowest of a period; when a period is over, the older half is forgotten.
///
/// - Invariant ST1: at most `2 * limit` are kept, each no longer than two periods.
struct SlowTransactionLog: Sendable {
  static let limit = 16
  /// Nanoseconds: five minutes.
  static let period: UInt64 = 300_000_000_000

  private var current: [SlowTransaction] = []
  private var former: [SlowTransaction] = []
  private var periodEnd: UInt64 = 0
  private(set) var count: UInt64 = 0

  /// Adds one that ended at a moment of a clock that never goes back.
  mutating func add(_ transaction: SlowTransaction, at now: UInt64) {
    turn(now)
    count += 1
    if current.count == Self.limit {
      guard let fastest = current.indices.min(by: { current[$0].total < current[$1].total }),
        current[fastest].total < transaction.total
      else { return }
      current.remove(at: fastest)
    }
    current.append(transaction)
  }

  /// The slowest first.
  mutating func slowest(at now: UInt64) -> [SlowTransaction] {
    turn(now)
    return (current + former).sorted { $0.total > $1.total }
  }

  private mutating func turn(_ now: UInt64) {
    guard now >= periodEnd else { return }
    former = now - periodEnd < Self.period ? current : []
    current = []
    periodEnd = now + Self.period
  }
}
