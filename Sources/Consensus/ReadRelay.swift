internal import Primitives

/// Reads of a replica that does not lead: the leader is asked which slot they have to see (rule R2).
///
/// What the leader answers is about what it has shown. A newer leader may have let this replica apply
/// more, which nobody may see yet because the older one may still read by its lease (rule L2): so an
/// answer serves only while nothing of a newer ballot than the asked one has arrived here.
///
/// - Invariant RL1: each question has a number of its own, drawn at random, so that an answer to an
///   earlier life of this replica answers nothing; it settles the reads that had arrived before it
///   was asked.
struct ReadRelay: Hashable, Sendable {
  private struct Waiting: Hashable, Sendable {
    let request: RequestID
    let since: BootTime
  }

  private struct Question: Hashable, Sendable {
    let number: RequestID
    /// The ballot of the leader that was asked.
    let ballot: Ballot
    let count: Int
  }

  private struct Answered: Hashable, Sendable {
    let reads: [Waiting]
    let slot: Slot
    let ballot: Ballot
  }

  private var waiting: [Waiting] = []
  private var question: Question?
  private var answered: [Answered] = []
  private(set) var askedAt = BootTime(nanoseconds: 0)
  /// There is reason to ask at once; otherwise it is asked again after a while only, or an answer that
  /// cannot serve yet would be asked for without end.
  private(set) var isDue = false

  /// Whether there is something to ask, or was.
  var isEmpty: Bool { waiting.isEmpty && answered.isEmpty }
  var hasWaiting: Bool { !waiting.isEmpty }
  var count: Int { waiting.count + answered.reduce(0) { $0 + $1.reads.count } }

  mutating func add(_ request: RequestID, now: BootTime) {
    waiting.append(Waiting(request: request, since: now))
    if question == nil { isDue = true }
  }

  /// A new question for all that wait.
  mutating func ask(number: UInt64, in ballot: Ballot, now: BootTime) -> RequestID {
    let number = RequestID(number)
    question = Question(number: number, ballot: ballot, count: waiting.count)
    askedAt = now
    isDue = false
    return number
  }

  /// The slot that the reads of a question have to see.
  mutating func answer(_ number: RequestID, seeing slot: Slot) {
    guard let question, question.number == number else { return }
    self.question = nil
    answered.append(
      Answered(
        reads: Array(waiting[..<question.count]), slot: slot, ballot: question.ballot))
    waiting.removeFirst(question.count)
    isDue = hasWaiting
  }

  /// The reads of a question that was refused.
  mutating func refuse(_ number: RequestID) -> [RequestID] {
    guard let question, question.number == number else { return [] }
    self.question = nil
    let refused = waiting[..<question.count].map(\.request)
    waiting.removeFirst(question.count)
    isDue = hasWaiting
    return refused
  }

  /// Another leader, or an image that goes further than the answer: what was asked of the one before
  /// is asked again.
  mutating func restart(followed: Ballot, highest: Ballot, received: Slot) {
    if let question, question.ballot < followed {
      self.question = nil
      isDue = true
    }
    func isVoid(_ answer: Answered) -> Bool {
      answer.ballot < max(followed, highest) || answer.slot < received
    }
    let void = answered.filter(isVoid)
    guard !void.isEmpty else { return }
    answered.removeAll(where: isVoid)
    waiting = void.flatMap(\.reads) + waiting
    question = nil
    if void.contains(where: { $0.ballot < followed }) { isDue = true }
  }

  /// The reads that everything applied here suffices for, and the slot of each.
  mutating func settle(applied: Slot) -> [(request: RequestID, slot: Slot)] {
    guard answered.contains(where: { $0.slot <= applied }) else { return [] }
    let settled = answered.filter { $0.slot <= applied }
    answered.removeAll { $0.slot <= applied }
    return settled.flatMap { answer in answer.reads.map { ($0.request, answer.slot) } }
  }

  /// Those that have waited for so long.
  mutating func expire(now: BootTime, after patience: UInt64) -> [RequestID] {
    func isOver(_ read: Waiting) -> Bool { now.elapsed(since: read.since) >= patience }
    var expired = answered.flatMap(\.reads).filter(isOver)
    answered = answered.map { answer in
      Answered(
        reads: answer.reads.filter { !isOver($0) }, slot: answer.slot, ballot: answer.ballot)
    }
    answered.removeAll { $0.reads.isEmpty }
    // They wait in the order of their coming but for those that were put back, which are older.
    let over = waiting.filter(isOver)
    if !over.isEmpty {
      expired += over
      waiting.removeAll(where: isOver)
      question = nil
    }
    return expired.map(\.request)
  }

  mutating func takeAll() -> [RequestID] {
    defer { self = ReadRelay() }
    return (answered.flatMap(\.reads) + waiting).map(\.request)
  }

  var oldest: BootTime? {
    var oldest = waiting.first?.since
    for answer in answered {
      for read in answer.reads { oldest = min(oldest ?? read.since, read.since) }
    }
    return oldest
  }
}
