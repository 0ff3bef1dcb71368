internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization
internal import VersionStore

/// Tells of transactions that are open and do nothing: one whose body waits for a user or a network
/// keeps what it has locked, and the versions that its snapshot sees.
///
/// Nobody notes what he does, for that would be paid by every operation. Instead the watch *asks*, now
/// and then, by the word that every operation holds against its own to learn of a suspension
/// (`Engine.interruption`). It differs then, and the first operation of each transaction that meets it
/// says so here and goes on. Who has not said so from one question to the next has done nothing.
///
/// While nobody has anything open there are no questions, so that a database that rests wakes nobody: the
/// next one comes when a checkpoint would be looked for.
///
/// - Invariant IW1: a transaction is told of once, after it has done nothing for the threshold, and
///   before it has done so for twice the threshold, not counting the time before the first question
///   that it met; one that waits for a lock is at work.
// SENDABLE: all mutable state is in a Mutex.
final class IdleWatch: Sendable {
  /// Who is watched: a transaction by its number, a reader by its snapshot.
  enum User: Hashable {
    case transaction(TransactionID)
    case reader(slot: Int, Timestamp)

    init(_ report: SnapshotReport) {
      self =
        report.transaction.rawValue != 0
        ? .transaction(report.transaction) : .reader(slot: report.slot, report.timestamp)
    }

    init(_ owner: SnapshotOwner?, _ snapshot: StoreSnapshot) {
      if let owner, owner.transaction.rawValue != 0 {
        self = .transaction(owner.transaction)
      } else {
        self = .reader(slot: Int(snapshot.slot), snapshot.timestamp)
      }
    }
  }

  private struct Course {
    /// Since when it is not known to have done anything.
    var idleSince: UInt64
    var isTold = false
  }

  private struct State {
    var courses: [User: Course] = [:]
    /// Who has done something since the last question.
    var active: Set<User> = []
  }

  private let state = Mutex(State())
  private let threshold: UInt64
  private let events: any EventSink

  /// Nanoseconds between two questions; nil when nobody would hear the answer.
  let interval: UInt64?

  init(threshold: Duration?, events: any EventSink) {
    self.events = events
    self.threshold = threshold?.nanoseconds ?? .max
    interval = threshold != nil && events.wants(.warning) ? max(self.threshold / 2, 1) : nil
  }

  /// Somebody does something, and was asked.
  func noteActivity(of user: User) { state.withLock { _ = $0.active.insert(user) } }

  /// Draws the balance of the last question, and tells of whoever has been idle for long.
  ///
  /// - Parameters:
  ///   - open: every open snapshot.
  ///   - waiting: transactions that wait for a lock.
  /// - Returns: whether there is anybody to be asked.
  func look(_ open: [SnapshotReport], waiting: Set<TransactionID>, now: UInt64) -> Bool {
    let idle = state.withLock { state -> [Idle] in
      var idle: [User: Idle] = [:]
      var courses: [User: Course] = [:]
      for report in open {
        let user = User(report)
        var course = state.courses[user] ?? Course(idleSince: now)
        if state.active.contains(user) || waiting.contains(report.transaction) {
          course = Course(idleSince: now)
        }
        courses[user] = course
        guard now - course.idleSince >= threshold, !course.isTold else { continue }
        idle[user, default: Idle(report, since: course.idleSince, now: now)].add(report)
      }
      for (user, found) in idle where found.isHarmful { courses[user]?.isTold = true }
      state.courses = courses
      state.active.removeAll()
      return idle.values.filter(\.isHarmful)
    }
    for found in idle.sorted(by: { $0.transaction < $1.transaction }) { events.report(found.event) }
    return !open.isEmpty
  }
}

/// Somebody who has done nothing for long.
private struct Idle {
  let transaction: TransactionID
  private let label: String?
  private let age: Duration?
  private let duration: Duration
  private var pinnedByteCount = 0

  init(_ report: SnapshotReport, since begin: UInt64, now: UInt64) {
    transaction = report.transaction
    label = report.label
    age = report.age
    duration = .nanoseconds(Int64(clamping: now - begin))
  }

  /// Takes in one of its snapshots.
  mutating func add(_ report: SnapshotReport) { pinnedByteCount += report.pinnedByteCount }

  /// A reader is in nobody's way before it pins something.
  var isHarmful: Bool { transaction.rawValue != 0 || pinnedByteCount > 0 }

  var event: Event {
    var facts: [String: Event.Value] = [
      "idle": .duration(duration), "bytes": .number(pinnedByteCount),
    ]
    if transaction.rawValue != 0 { facts["transaction"] = .number(transaction.rawValue) }
    if let label { facts["label"] = .text(label) }
    if let age { facts["age"] = .duration(age) }
    let isReader = transaction.rawValue == 0
    let user = isReader ? "a read-only snapshot" : "transaction \(transaction.rawValue)"
    return Event(
      .warning, kind: .idleTransaction,
      "\(user)\(label.map { " \"\($0)\"" } ?? "") is open and has done nothing for "
        + "\(duration.nanoseconds / 1_000_000_000) s; it keeps \(isReader ? "" : "its locks and ")"
        + "\(pinnedByteCount) bytes of old versions: wait for users and networks outside of it",
      facts)
  }
}
