internal import Primitives

/// Reads of a replica that does not lead: the leader is asked which slot they have to see (rule R2).
///
/// - Invariant RL1: each question has a number of its own, drawn at random, so that an answer to an
///   earlier life of this replica answers nothing; it settles the reads that had arrived before it
///   was asked.
struct ReadRelay: Hashable, Sendable {
  private struct Waiting: Hashable, Sendable {
    let request: RequestID
    let since: BootTime
  }

  private var waiting: [Waiting] = []
  private var question: RequestID?
  /// So many of the first that wait had arrived when the question was asked.
  private var coveredCount = 0
  private(set) var askedAt = BootTime(nanoseconds: 0)

  var isEmpty: Bool { waiting.isEmpty }
  var count: Int { waiting.count }
  var isAsking: Bool { question != nil }

  mutating func add(_ request: RequestID, now: BootTime) {
    waiting.append(Waiting(request: request, since: now))
  }

  /// A new question for all that wait.
  mutating func ask(number: UInt64, now: BootTime) -> RequestID {
    let question = RequestID(number)
    self.question = question
    coveredCount = waiting.count
    askedAt = now
    return question
  }

  /// The reads that an answer settles.
  mutating func answer(_ question: RequestID) -> [RequestID] {
    guard question == self.question else { return [] }
    self.question = nil
    let settled = waiting[..<coveredCount].map(\.request)
    waiting.removeFirst(coveredCount)
    coveredCount = 0
    return settled
  }

  /// Those that have waited for too long.
  mutating func expire(before time: BootTime) -> [RequestID] {
    let count = waiting.firstIndex { $0.since >= time } ?? waiting.count
    let expired = waiting[..<count].map(\.request)
    waiting.removeFirst(count)
    coveredCount = max(0, coveredCount - count)
    if waiting.isEmpty { question = nil }
    return expired
  }

  var oldest: BootTime? { waiting.first?.since }

  mutating func takeAll() -> [RequestID] {
    defer { self = ReadRelay() }
    return waiting.map(\.request)
  }
}
