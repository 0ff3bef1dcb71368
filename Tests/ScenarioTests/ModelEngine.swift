import Dispatch
import Synchronization
import Verification

/// A tiny engine with every level and two protocols, simple enough to be believed: one mutex, the
/// committed rows, and the private writes of each transaction. It is what the runner and the
/// catalogue are tested against.
///
/// Writers lock keys at every level. From repeatable read on (two-phase locking) readers lock keys,
/// at serializable intervals too. Snapshot isolation reads a copy made at begin. The optimistic
/// protocol reads such a copy too, and at commit compares all it read with what is there.
// SENDABLE: all mutable state is in the Mutex.
final class ModelEngine: ScenarioEngine, @unchecked Sendable {
  /// A bug to plant.
  enum Bug: CaseIterable {
    /// Readers forget to lock.
    case readsWithoutLocks
    /// Absent keys are not worth a lock.
    case forgetsAbsentKeys
    /// Whoever updates second wins.
    case lastUpdaterWins
    /// Reads see what is not committed.
    case readsDirty
    /// Validation looks at no ranges.
    case validatesNoRanges
  }

  private enum Target: Hashable {
    case key(String)
    case interval(String?, String?)

    func overlaps(_ other: Target) -> Bool {
      switch (self, other) {
      case (.key(let left), .key(let right)): left == right
      case (.key(let key), .interval(let lower, let upper)),
        (.interval(let lower, let upper), .key(let key)):
        key >= lower ?? "" && upper.map { key < $0 } ?? true
      case (.interval, .interval): true
      }
    }
  }

  private struct Lock: Hashable {
    var target: Target
    var isExclusive: Bool
  }

  private struct Waiter {
    var lock: Lock
    let semaphore: DispatchSemaphore
  }

  private struct Transaction {
    var setting: IsolationSetting
    var snapshot: [String: ScenarioValue]
    var start: Int
    var writes: [String: ScenarioValue?] = [:]
    var locks: Set<Lock> = []
    var savepoints: [String: [String: ScenarioValue?]] = [:]
    /// What was read from the snapshot, for validation.
    var reads: [Target: [String: ScenarioValue]] = [:]
  }

  private struct State {
    var rows: [String: ScenarioValue] = [:]
    /// The number of the commit that changed a key last.
    var changes: [String: Int] = [:]
    var commitCount = 0
    var next: UInt64 = 1
    var transactions: [UInt64: Transaction] = [:]
    var waiters: [(id: UInt64, waiter: Waiter)] = []
  }

  private let state = Mutex(State())
  private let bug: Bug?

  init(bug: Bug? = nil) { self.bug = bug }

  func load(_ rows: [ScenarioRow]) {
    state.withLock { state in
      precondition(state.transactions.isEmpty && state.waiters.isEmpty)
      state.rows = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, $0.value) })
    }
  }

  var waiting: Set<UInt64> { state.withLock { Set($0.waiters.map(\.id)) } }

  func contents() -> [ScenarioRow] {
    state.withLock { $0.rows.map { ScenarioRow($0.key, $0.value) } }
  }

  func transact(
    at setting: IsolationSetting,
    _ body: (UInt64, (ScenarioOperation) throws -> ScenarioResult) throws -> Void
  ) throws {
    let id = state.withLock { state -> UInt64 in
      state.next += 1
      state.transactions[state.next] = Transaction(
        setting: setting, snapshot: state.rows, start: state.commitCount)
      return state.next
    }
    defer { end(id) }
    try body(id) { try perform($0, id) }
    try commit(id)
  }

  private func end(_ id: UInt64) {
    state.withLock { state in
      state.transactions[id] = nil
      for (waitingID, waiter) in state.waiters
      where blockers(of: waiter.lock, for: waitingID, in: state).isEmpty {
        state.transactions[waitingID]?.locks.insert(waiter.lock)
        state.waiters.removeAll { $0.id == waitingID }
        waiter.semaphore.signal()
      }
    }
  }

  private func commit(_ id: UInt64) throws {
    let conflict = state.withLock { state -> Bool in
      guard let transaction = state.transactions[id] else { return true }
      if transaction.setting.concurrency == .optimistic, !transaction.writes.isEmpty {
        for (target, seen) in transaction.reads where rows(in: target, of: state.rows) != seen {
          return true
        }
      }
      state.commitCount += 1
      for (key, value) in transaction.writes {
        state.rows[key] = value
        state.changes[key] = state.commitCount
      }
      return false
    }
    if conflict { throw ScenarioAbort(code: "serializationFailure", message: "a read changed") }
  }

  private func rows(
    in target: Target, of rows: [String: ScenarioValue]
  ) -> [String: ScenarioValue] {
    rows.filter { target.overlaps(.key($0.key)) }
  }

  // MARK: Locks

  private func blockers(of lock: Lock, for id: UInt64, in state: State) -> [UInt64] {
    state.transactions.compactMap { other, transaction in
      other != id
        && transaction.locks.contains {
          ($0.isExclusive || lock.isExclusive) && $0.target.overlaps(lock.target)
        } ? other : nil
    }
  }

  /// Takes a lock, waiting for it if need be.
  private func lock(_ target: Target, exclusive: Bool, _ id: UInt64) throws {
    let lock = Lock(target: target, isExclusive: exclusive)
    let semaphore = DispatchSemaphore(value: 0)
    let (waits, isDeadlock) = state.withLock { state -> (Bool, Bool) in
      if blockers(of: lock, for: id, in: state).isEmpty {
        state.transactions[id]?.locks.insert(lock)
        return (false, false)
      }
      state.waiters.append((id, Waiter(lock: lock, semaphore: semaphore)))
      var reached: Set<UInt64> = []
      var open = [id]
      while let next = open.popLast() {
        guard let waiter = state.waiters.first(where: { $0.id == next })?.waiter else { continue }
        for blocker in blockers(of: waiter.lock, for: next, in: state)
        where reached.insert(blocker).inserted { open.append(blocker) }
      }
      guard reached.contains(id) else { return (true, false) }
      state.waiters.removeAll { $0.id == id }
      return (false, true)
    }
    if isDeadlock { throw ScenarioAbort(code: "deadlockVictim", message: "a cycle of waits") }
    if waits { semaphore.wait() }
  }

  // MARK: Operations

  private func perform(_ operation: ScenarioOperation, _ id: UInt64) throws -> ScenarioResult {
    switch operation {
    case .get(let key): return .value(try read(key, id))
    case .getForUpdate(let key): return .value(try lockForWriting(key, id))
    case .put(let key, let value):
      _ = try lockForWriting(key, id)
      write(key, value, id)
    case .delete(let key):
      _ = try lockForWriting(key, id)
      write(key, nil, id)
    case .increment(let key, let amount):
      let old = try lockForWriting(key, id) ?? .integer(0)
      guard case .integer(let number) = old else { throw ScenarioRefusal("\(key) is no number") }
      write(key, .integer(number + amount), id)
      return .value(.integer(number + amount))
    case .compareAndSet(let key, let old, let new):
      guard try lockForWriting(key, id) == old else { return .truth(false) }
      write(key, new, id)
      return .truth(true)
    case .scan(let lower, let upper, let limit):
      return .rows(Array(try scan(lower, upper, id).prefix(limit ?? .max)))
    case .savepoint(let name):
      state.withLock { state in
        let writes = state.transactions[id]?.writes
        state.transactions[id]?.savepoints[name] = writes
      }
    case .rollBack(let name):
      state.withLock { state in
        guard let writes = state.transactions[id]?.savepoints[name] else { return }
        state.transactions[id]?.writes = writes
      }
    case .begin, .commit, .abort: break
    }
    return .done
  }

  private func write(_ key: String, _ value: ScenarioValue?, _ id: UInt64) {
    state.withLock { $0.transactions[id]?.writes[key] = .some(value) }
  }

  /// Locks a key and returns its newest value: what it would be written over.
  private func lockForWriting(_ key: String, _ id: UInt64) throws -> ScenarioValue? {
    try lock(.key(key), exclusive: true, id)
    let (value, isConflict) = state.withLock { state -> (ScenarioValue?, Bool) in
      guard let transaction = state.transactions[id] else { return (nil, true) }
      if transaction.setting.readsSnapshot, bug != .lastUpdaterWins,
        state.changes[key, default: 0] > transaction.start
      {
        return (nil, true)
      }
      if let own = transaction.writes[key] { return (own, false) }
      return (state.rows[key], false)
    }
    if isConflict { throw ScenarioAbort(code: "writeConflict", message: "\(key) has changed") }
    return value
  }

  /// The rows that a transaction sees.
  private func view(_ id: UInt64, in state: State) -> [String: ScenarioValue] {
    guard let transaction = state.transactions[id] else { return [:] }
    var rows = transaction.setting.readsSnapshot ? transaction.snapshot : state.rows
    if transaction.setting.level == .readUncommitted || bug == .readsDirty {
      for other in state.transactions.values { rows.merge(writes: other.writes) }
    }
    rows.merge(writes: transaction.writes)
    return rows
  }

  private func read(_ key: String, _ id: UInt64) throws -> ScenarioValue? {
    let (setting, isAbsent) = state.withLock { state in
      (state.transactions[id]?.setting, view(id, in: state)[key] == nil)
    }
    if setting?.locksReads == true, bug != .readsWithoutLocks,
      !(isAbsent && bug == .forgetsAbsentKeys)
    {
      try lock(.key(key), exclusive: false, id)
    }
    return state.withLock { state in
      noteRead(.key(key), id, &state)
      return view(id, in: state)[key]
    }
  }

  private func scan(_ lower: String?, _ upper: String?, _ id: UInt64) throws -> [ScenarioRow] {
    let interval = Target.interval(lower, upper)
    let setting = state.withLock { $0.transactions[id]?.setting }
    if setting?.concurrency == .twoPhaseLocking, bug != .readsWithoutLocks {
      try lock(interval, exclusive: false, id)
    }
    func look() -> [ScenarioRow] {
      state.withLock { state in
        if bug != .validatesNoRanges { noteRead(interval, id, &state) }
        return rows(in: interval, of: view(id, in: state)).sorted { $0.key < $1.key }
          .map { ScenarioRow($0.key, $0.value) }
      }
    }
    var found = look()
    guard setting?.level == .repeatableRead else { return found }
    // Take the locks, then look again (rule L3).
    for row in found { _ = try read(row.key, id) }
    found = look()
    for row in found { _ = try read(row.key, id) }
    return found
  }

  private func noteRead(_ target: Target, _ id: UInt64, _ state: inout State) {
    guard let transaction = state.transactions[id],
      transaction.setting.concurrency == .optimistic
    else { return }
    state.transactions[id]?.reads[target] = rows(in: target, of: transaction.snapshot)
  }
}

extension IsolationSetting {
  fileprivate var readsSnapshot: Bool { level == .snapshot || concurrency == .optimistic }

  fileprivate var locksReads: Bool {
    level == .repeatableRead || concurrency == .twoPhaseLocking
  }

  /// What the model engine offers.
  static var modelled: [IsolationSetting] {
    all.filter { $0.concurrency != .serializableSnapshot }
  }
}

extension [String: ScenarioValue] {
  fileprivate mutating func merge(writes: [String: ScenarioValue?]) {
    for (key, value) in writes { self[key] = value }
  }
}
