internal import Environment
internal import Replication
internal import Simulation

/// One client: a session that reads and writes a few keys, one operation after the other, and sends
/// a command again under the same number for as long as it does not know what became of it.
final class ClusterClient: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  let number: Int
  private let run: ClusterRun
  private var chance: SeededGenerator
  private var session = SessionID.none
  private var sequence: UInt64 = 0
  /// The machine that is asked first.
  private var favourite: Int
  /// What a key was last seen to hold, for compare-and-set.
  private var seen: [Int: UInt64?] = [:]
  private var valueCount: UInt64 = 0
  private(set) var answerCount = 0

  init(number: Int, run: ClusterRun, chance: SeededGenerator) {
    self.number = number
    self.run = run
    self.chance = chance
    favourite = number % max(run.members.count, 1)
  }

  /// Works until the clients are to end.
  func work() {
    while !run.areClientsDone {
      run.world.sleep(forNanoseconds: pause())
      if !run.areClientsDone { step() }
    }
  }

  private func pause() -> UInt64 {
    let pause = run.plan.setup.pause
    guard run.plan.setup.areClientsInStep else {
      return pause / 2 + UInt64(chance.below(Int(pause)))
    }
    return pause - run.world.now % pause + UInt64(chance.below(1_000_000))
  }

  /// One operation.
  func step() {
    if session == .none {
      openSession()
    } else {
      operate()
    }
  }

  // MARK: Operations

  private func operate() {
    let key = chance.below(run.plan.setup.keyCount)
    switch chance.below(10) {
    case 0..<4: read(key)
    case 4..<7:
      let value = nextValue()
      write(.put(value), .put(key: run.bytes(ofKey: key), value: run.bytes(of: value)), key) {
        $0 == .done ? .done : nil
      }
    case 7..<9:
      let (expected, value) = (seen[key] ?? nil, nextValue())
      let operation = Command.Operation.compareAndSet(
        key: run.bytes(ofKey: key), expected: expected.map { run.bytes(of: $0) },
        value: run.bytes(of: value))
      write(.compareAndSet(expected: expected, new: value), operation, key) {
        $0 == .swapped ? .applied(true) : $0 == .mismatch ? .applied(false) : nil
      }
    default:
      write(.delete, .delete(key: run.bytes(ofKey: key)), key) { $0 == .done ? .done : nil }
    }
  }

  /// A value that nobody else ever writes.
  private func nextValue() -> UInt64 {
    valueCount += 1
    return UInt64(number + 1) << 32 | valueCount
  }

  /// - Parameter attemptCount: nil: a few.
  func read(_ key: Int, attemptCount: Int? = nil) {
    let invoked = run.history.invoke()
    for _ in 0..<(attemptCount ?? attempts()) {
      let member = run.members[target()]
      switch member.read(run.bytes(ofKey: key)) {
      case .success(let bytes):
        let value = bytes.map { run.value(of: $0) }
        seen[key] = value
        answerCount += 1
        run.history.answer(.get, .value(value), key: key, client: number, invoked: invoked)
        run.note("client \(number) read key \(key) from machine \(member.number): \(tell(value))")
        return
      case .failure(let failure): follow(failure, from: member)
      }
    }
  }

  private func write(
    _ call: ClusterHistory.Model.Call, _ operation: Command.Operation, _ key: Int,
    _ answer: (CommandResult) -> ClusterHistory.Model.Answer?
  ) {
    sequence += 1
    let command = Command(
      session: session, sequence: sequence, acknowledgedThrough: sequence - 1, operation)
    let invoked = run.history.invoke()
    let (result, mayHappen) = send(command)
    guard let result, let answer = answer(result) else {
      if case .sessionExpired? = result { session = .none }
      if mayHappen { run.history.giveUp(call, key: key, client: number, invoked: invoked) }
      if result == .opened(session) || result == .outcomeExpired {
        run.fail(.unexpectedAnswer, "client \(number): \(String(describing: result)) to \(command)")
      }
      return
    }
    switch (call, answer) {
    case (.put(let value), _), (.compareAndSet(_, let value?), .applied(true)): seen[key] = value
    case (.delete, _): seen[key] = .some(nil)
    default: seen[key] = nil
    }
    answerCount += 1
    run.history.answer(call, answer, key: key, client: number, invoked: invoked)
    run.note("client \(number) \(sequence): key \(key) \(call) answered \(answer)")
    if let interval = run.plan.setup.answerLostOneIn, chance.oneIn(interval) {
      sendAgain(command, result)
    }
  }

  /// The client did not hear the answer: it has to get the same.
  private func sendAgain(_ command: Command, _ result: CommandResult) {
    run.counts.add(.answerLost)
    if chance.oneIn(2) { favourite = chance.below(run.members.count) }
    let (again, _) = send(command)
    if let again, again != result {
      run.fail(
        .answerChanged,
        "client \(number), command \(command.sequence): first \(result), then \(again)")
    }
  }

  private func openSession() {
    // A session whose opening nobody answered is opened in vain; another is opened.
    if case .opened(let opened)? = send(Command(.openSession)).result {
      session = opened
      sequence = 0
    }
  }

  // MARK: Attempts

  /// Sends a command until it is answered or given up. Also tells whether it may take effect.
  private func send(_ command: Command) -> (result: CommandResult?, mayHappen: Bool) {
    var mayHappen = false
    for _ in 0..<attempts() {
      let member = run.members[target()]
      switch member.execute(command) {
      case .success(let result): return (result, mayHappen)
      case .failure(let failure):
        mayHappen = mayHappen || failure.mayHappen
        follow(failure, from: member)
      }
      if run.areClientsDone { break }
    }
    return (nil, mayHappen)
  }

  private func attempts() -> Int { 4 + chance.below(12) }

  /// Whom to ask: who is said to lead, or somebody else.
  private func target() -> Int {
    if let interval = run.plan.setup.leaderMissedOneIn, chance.oneIn(interval) {
      run.counts.add(.leaderMissed)
      return chance.below(run.members.count)
    }
    return favourite
  }

  private func follow(_ failure: ClusterFailure, from member: ClusterMember) {
    if let leader = failure.leader, leader != member.number {
      favourite = leader
    } else {
      favourite = (member.number + 1) % run.members.count
      run.world.sleep(forNanoseconds: 10_000_000 + UInt64(chance.below(50_000_000)))
    }
  }

  private func tell(_ value: UInt64?) -> String { value.map { "\($0)" } ?? "nothing" }
}
