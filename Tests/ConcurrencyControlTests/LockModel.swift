import ConcurrencyControl

/// The rules of the lock table in the plainest words: lists, sets of numbers for intervals, and the
/// full graph of waits.
///
/// A transaction, a key and a keyspace are numbers; a key's keyspace is `LockDriver`'s. An interval
/// is the set of the numbers in it; `keyCount` stands for all that come after the last key.
struct LockModel {
  struct Holder { var who: UInt64; var mode: LockMode; var wanted: LockMode?; var order = 0 }
  struct Waiter { var who: UInt64; var mode: LockMode }
  struct Lock { var holders: [Holder] = []; var queue: [Waiter] = [] }

  struct Member {
    var who: UInt64; var mode: KeyspaceLockMode; var wanted: KeyspaceLockMode?; var order = 0
  }
  struct Newcomer { var who: UInt64; var mode: KeyspaceLockMode }
  struct Space {
    var members: [Member] = []
    var queue: [Newcomer] = []
    var gate: [UInt64] = []
    var intervals: [UInt64: Set<Int>] = [:]
  }

  enum Goal {
    case key(Int, LockMode)
    case interval(Set<Int>)
    case keyspace(KeyspaceLockMode)
  }
  enum Stage { case escalation, keyspace, interval, key }

  /// What somebody asks for.
  struct Request {
    var goal: Goal
    var keyspace: Int
    var stage = Stage.keyspace
    var escalating: (keyspace: Int, mode: KeyspaceLockMode)?
    var isFirst: Bool
    var reserved = 0
  }

  var locks: [Lock]
  var spaces: [Space]
  var requests: [UInt64: Request] = [:]
  /// Who was begun in whose body.
  var enclosing: [UInt64: UInt64] = [:]
  var order = 0
  let byteBudget: Int
  /// Who was granted what they waited for, since this was emptied last.
  var granted: Set<UInt64> = []
  var escalations: [(who: UInt64, keyspace: Int, mode: KeyspaceLockMode, replaced: Int)] = []

  var keyCount: Int { locks.count }

  init(keyCount: Int, byteBudget: Int) {
    locks = Array(repeating: Lock(), count: keyCount)
    spaces = Array(repeating: Space(), count: LockDriver.keyspaceCount)
    self.byteBudget = byteBudget
  }

  func isWaiting(_ who: UInt64) -> Bool { requests[who] != nil }

  // MARK: Asking

  /// Granted at once, queued, or nil: no memory.
  mutating func ask(_ who: UInt64, _ goal: Goal, in keyspace: Int) -> Bool? {
    if case .key(let key, .shared) = goal, interval(of: who, keyspace).contains(key) { return true }
    let isFirst = !spaces[keyspace].members.contains { $0.who == who }
    var request = Request(goal: goal, keyspace: keyspace, isFirst: isFirst)
    let need = need(request, who)
    if usedBytes + need <= byteBudget {
      request.reserved = need
    } else {
      let sizes = spaces.indices.map { bytes(of: who, in: $0) }
      guard let most = sizes.max(), most >= greatestNeed(request),
        let best = sizes.firstIndex(of: most)
      else { return nil }
      let isWriter = locks.indices.contains { self.keyspace(of: $0) == best && writes(who, $0) }
      request.stage = .escalation
      request.escalating = (best, isWriter ? .exclusive : .shared)
    }
    requests[who] = request
    let isDone = advance(who)
    settle()
    return isDone
  }

  /// Takes a request as far as it goes. True: to its end.
  private mutating func advance(_ who: UInt64) -> Bool {
    while let request = requests[who] {
      switch request.stage {
      case .escalation:
        guard let (keyspace, mode) = request.escalating, take(who, mode, in: keyspace) else {
          return false
        }
        escalate(who, in: keyspace)
        let need = need(request, who)
        requests[who]?.stage = .keyspace
        requests[who]?.reserved = need
      case .keyspace:
        if isCovered(request, who) {
          requests[who] = nil
          if request.isFirst { undo(who, in: request.keyspace) }
          return true
        }
        guard take(who, intention(request), in: request.keyspace) else { return false }
        switch request.goal {
        case .keyspace:
          requests[who] = nil
          return true
        case .interval: requests[who]?.stage = .interval
        case .key(let key, let mode):
          let isHeld = locks[key].holders.contains { $0.who == who && $0.mode == .exclusive }
          requests[who]?.stage = mode == .exclusive && !isHeld ? .interval : .key
        }
      case .interval:
        let gate = spaces[request.keyspace].gate
        guard obstacles(who, request, before: gate.count).isEmpty else {
          spaces[request.keyspace].gate.append(who)
          return false
        }
        requests[who]?.stage = .key
      case .key:
        requests[who]?.reserved = 0
        switch request.goal {
        case .keyspace: preconditionFailure()
        case .interval(let numbers):
          spaces[request.keyspace].intervals[who, default: []].formUnion(numbers)
        case .key(let key, let mode): guard lock(who, mode, key) else { return false }
        }
        requests[who] = nil
        return true
      }
    }
    return true
  }

  private func intention(_ request: Request) -> KeyspaceLockMode {
    switch request.goal {
    case .key(_, let mode): mode == .exclusive ? .intentionExclusive : .intentionShared
    case .interval: .intentionShared
    case .keyspace(let mode): mode
    }
  }

  private func isCovered(_ request: Request, _ who: UInt64) -> Bool {
    let held = mode(ofAll: request.keyspace, who)
    let reads = [.shared, .sharedIntentionExclusive, .update, .exclusive].contains(held)
    switch request.goal {
    case .keyspace: return false
    case .key(_, let mode): return held == .exclusive || (mode == .shared && reads)
    case .interval(let numbers):
      return reads || interval(of: who, request.keyspace).isSuperset(of: numbers)
    }
  }

  // MARK: Keyspaces

  private mutating func take(_ who: UInt64, _ mode: KeyspaceLockMode, in keyspace: Int) -> Bool {
    var space = spaces[keyspace]
    defer { spaces[keyspace] = space }
    guard let own = space.members.firstIndex(where: { $0.who == who }) else {
      if space.queue.isEmpty, space.members.allSatisfy({ $0.wanted == nil }),
        space.members.allSatisfy({ $0.mode.isCompatible(with: mode) })
      {
        space.members.append(Member(who: who, mode: mode))
        return true
      }
      space.queue.append(Newcomer(who: who, mode: mode))
      return false
    }
    let wanted = space.members[own].mode.converted(by: mode)
    if space.members.allSatisfy({ $0.who == who || $0.mode.isCompatible(with: wanted) })
      || wanted == space.members[own].mode
    {
      space.members[own].mode = wanted
      return true
    }
    order += 1
    space.members[own].wanted = wanted
    space.members[own].order = order
    return false
  }

  private mutating func grantKeyspace(_ keyspace: Int) -> Bool {
    var space = spaces[keyspace]
    var served: [UInt64] = []
    for converter in space.members.filter({ $0.wanted != nil }).sorted(by: { $0.order < $1.order })
    {
      guard let wanted = converter.wanted,
        let own = space.members.firstIndex(where: { $0.who == converter.who }),
        space.members.allSatisfy({
          $0.who == converter.who || $0.mode.isCompatible(with: wanted)
        })
      else { continue }
      space.members[own].mode = wanted
      space.members[own].wanted = nil
      served.append(converter.who)
    }
    while let first = space.queue.first, space.members.allSatisfy({ $0.wanted == nil }),
      space.members.allSatisfy({ $0.mode.isCompatible(with: first.mode) })
    {
      space.members.append(Member(who: first.who, mode: first.mode))
      space.queue.removeFirst()
      served.append(first.who)
    }
    spaces[keyspace] = space
    for who in served where advance(who) { granted.insert(who) }
    return !served.isEmpty
  }

  // MARK: Intervals

  /// Whom somebody waits for at the gate behind so many others.
  private func obstacles(_ who: UInt64, _ request: Request, before place: Int) -> Set<UInt64> {
    let space = spaces[request.keyspace]
    var obstacles: Set<UInt64> = []
    switch request.goal {
    case .keyspace: break
    case .key(let key, _):
      for (other, numbers) in space.intervals where other != who && numbers.contains(key) {
        obstacles.insert(other)
      }
      if holds(who, key) { break }
      for other in space.gate[..<place] {
        if case .interval(let numbers)? = requests[other]?.goal, numbers.contains(key) {
          obstacles.insert(other)
        }
      }
    case .interval(let numbers):
      for key in numbers where key < keyCount && keyspace(of: key) == request.keyspace {
        if holds(who, key) { continue }
        for other in space.members.map(\.who) where other != who && writes(other, key) {
          obstacles.insert(other)
        }
        for other in space.gate[..<place] {
          if case .key(key, _)? = requests[other]?.goal { obstacles.insert(other) }
        }
      }
    }
    return obstacles
  }

  /// Whether somebody holds a key, itself or in an interval.
  private func holds(_ who: UInt64, _ key: Int) -> Bool {
    locks[key].holders.contains { $0.who == who }
      || interval(of: who, keyspace(of: key)).contains(key)
  }

  /// Whether somebody holds a key exclusively, or waits for that in the key's queue.
  private func writes(_ who: UInt64, _ key: Int) -> Bool {
    locks[key].queue.contains { $0.who == who && $0.mode == .exclusive }
      || locks[key].holders.contains {
        $0.who == who && ($0.mode == .exclusive || $0.wanted == .exclusive)
      }
  }

  private mutating func openGate(_ keyspace: Int) -> Bool {
    var hasChanged = false
    var place = 0
    while place < spaces[keyspace].gate.count {
      let who = spaces[keyspace].gate[place]
      guard let request = requests[who], obstacles(who, request, before: place).isEmpty else {
        place += 1
        continue
      }
      spaces[keyspace].gate.remove(at: place)
      requests[who]?.stage = .key
      if advance(who) { granted.insert(who) }
      hasChanged = true
    }
    return hasChanged
  }

  // MARK: Keys

  private mutating func lock(_ who: UInt64, _ mode: LockMode, _ key: Int) -> Bool {
    var lock = locks[key]
    defer { locks[key] = lock }
    if let own = lock.holders.firstIndex(where: { $0.who == who }) {
      let wanted = max(lock.holders[own].mode, mode)
      if lock.holders.allSatisfy({ $0.who == who || $0.mode.isCompatible(with: wanted) })
        || wanted == lock.holders[own].mode
      {
        lock.holders[own].mode = wanted
        return true
      }
      order += 1
      lock.holders[own].wanted = wanted
      lock.holders[own].order = order
      return false
    }
    if lock.queue.isEmpty, lock.holders.allSatisfy({ $0.wanted == nil }),
      lock.holders.allSatisfy({ $0.mode.isCompatible(with: mode) })
    {
      lock.holders.append(Holder(who: who, mode: mode))
      return true
    }
    lock.queue.append(Waiter(who: who, mode: mode))
    return false
  }

  private mutating func grant(_ key: Int) {
    var lock = locks[key]
    defer { locks[key] = lock }
    func done(_ who: UInt64) {
      granted.insert(who)
      requests[who] = nil
    }
    let converters = lock.holders.filter { $0.wanted != nil }.sorted { $0.order < $1.order }
    for converter in converters {
      guard let wanted = converter.wanted,
        let own = lock.holders.firstIndex(where: { $0.who == converter.who }),
        lock.holders.allSatisfy({ $0.who == converter.who || $0.mode.isCompatible(with: wanted) })
      else { continue }
      lock.holders[own].mode = wanted
      lock.holders[own].wanted = nil
      done(converter.who)
    }
    while let first = lock.queue.first, lock.holders.allSatisfy({ $0.wanted == nil }),
      lock.holders.allSatisfy({ $0.mode.isCompatible(with: first.mode) })
    {
      lock.holders.append(Holder(who: first.who, mode: first.mode))
      lock.queue.removeFirst()
      done(first.who)
    }
  }

  // MARK: Ending

  private mutating func settle() {
    while spaces.indices.contains(where: { index in
      let isServed = grantKeyspace(index)
      return openGate(index) || isServed
    }) {}
  }

  /// Ends a wait.
  mutating func withdraw(_ who: UInt64) {
    endWait(of: who)
    settle()
  }

  /// Ends a wait, before others may go on in keyspaces.
  private mutating func endWait(of who: UInt64) {
    guard let request = requests.removeValue(forKey: who) else { return }
    for index in spaces.indices {
      spaces[index].gate.removeAll { $0 == who }
      spaces[index].queue.removeAll { $0.who == who }
      for place in spaces[index].members.indices where spaces[index].members[place].who == who {
        spaces[index].members[place].wanted = nil
      }
    }
    for key in locks.indices {
      locks[key].queue.removeAll { $0.who == who }
      for index in locks[key].holders.indices where locks[key].holders[index].who == who {
        locks[key].holders[index].wanted = nil
      }
      grant(key)
    }
    if request.isFirst { undo(who, in: request.keyspace) }
  }

  /// Who failed in its first request in a keyspace has no part in it.
  private mutating func undo(_ who: UInt64, in keyspace: Int) {
    if !heldKeys(who).contains(where: { self.keyspace(of: $0) == keyspace }),
      interval(of: who, keyspace).isEmpty
    {
      spaces[keyspace].members.removeAll { $0.who == who }
    }
  }

  /// One event: nobody goes on in a keyspace before all is let go.
  mutating func release(_ who: UInt64) {
    endWait(of: who)
    for index in spaces.indices {
      spaces[index].members.removeAll { $0.who == who }
      spaces[index].intervals[who] = nil
    }
    for key in locks.indices {
      locks[key].holders.removeAll { $0.who == who }
      grant(key)
    }
    enclosing[who] = nil
    settle()
  }

  private mutating func escalate(_ who: UInt64, in keyspace: Int) {
    let keys = heldKeys(who).filter { self.keyspace(of: $0) == keyspace }
    let runs = runs(of: interval(of: who, keyspace))
    escalations.append((who, keyspace, mode(ofAll: keyspace, who)!, keys.count + runs.count))
    spaces[keyspace].intervals[who] = nil
    for key in keys {
      locks[key].holders.removeAll { $0.who == who }
      grant(key)
    }
  }
}

// MARK: What is so

extension LockModel {
  func keyspace(of key: Int) -> Int { key % LockDriver.keyspaceCount }

  func interval(of who: UInt64, _ keyspace: Int) -> Set<Int> {
    spaces[keyspace].intervals[who] ?? []
  }

  func heldKeys(_ who: UInt64) -> [Int] {
    locks.indices.filter { locks[$0].holders.contains { $0.who == who } }
  }

  func mode(ofAll keyspace: Int, _ who: UInt64) -> KeyspaceLockMode? {
    spaces[keyspace].members.first { $0.who == who }?.mode
  }

  /// The mode of a key, by itself or by its keyspace.
  func mode(of key: Int, _ who: UInt64) -> LockMode? {
    let own = locks[key].holders.first { $0.who == who }?.mode
    return switch mode(ofAll: keyspace(of: key), who) {
    case .exclusive: .exclusive
    case .shared, .update, .sharedIntentionExclusive: own.map { max($0, .shared) } ?? .shared
    default: own
    }
  }

  /// The bounds of the intervals that a set of numbers is.
  func runs(of numbers: Set<Int>) -> [(lower: Int, upper: Int)] {
    numbers.filter { !numbers.contains($0 - 1) }.sorted().map { lower in
      var upper = lower
      while numbers.contains(upper) { upper += 1 }
      return (lower, upper)
    }
  }

  /// What a transaction's locks in a keyspace take up.
  func bytes(of who: UInt64, in keyspace: Int) -> Int {
    var bytes = 0
    for (key, lock) in locks.enumerated() where self.keyspace(of: key) == keyspace {
      if lock.holders.contains(where: { $0.who == who })
        || lock.queue.contains(where: { $0.who == who })
      {
        bytes += LockTable.bytesPerLock + (writes(who, key) ? byteCount(key) : 0)
      }
    }
    for run in runs(of: interval(of: who, keyspace)) {
      bytes += LockTable.bytesPerInterval + byteCount(run.lower) + byteCount(run.upper)
    }
    return bytes
  }

  var usedBytes: Int {
    var all: Set<UInt64> = []
    for space in spaces { all.formUnion(space.members.map(\.who)) }
    var bytes = requests.values.reduce(0) { $0 + $1.reserved }
    for who in all { for index in spaces.indices { bytes += self.bytes(of: who, in: index) } }
    return bytes
  }

  /// A bound above all keys takes up nothing.
  private func byteCount(_ key: Int) -> Int {
    key > keyCount ? 0 : LockDriver.bytes(UInt64(key)).count
  }

  private func greatestNeed(_ request: Request) -> Int {
    switch request.goal {
    case .keyspace: return 0
    case .key(let key, let mode):
      return LockTable.bytesPerLock + (mode == .exclusive ? byteCount(key) : 0)
    case .interval(let numbers):
      let run = runs(of: numbers)[0]
      return LockTable.bytesPerInterval + byteCount(run.lower) + byteCount(run.upper)
    }
  }

  private func need(_ request: Request, _ who: UInt64) -> Int {
    if isCovered(request, who) { return 0 }
    if case .key(let key, let mode) = request.goal,
      locks[key].holders.contains(where: { $0.who == who })
    {
      return mode == .exclusive && !writes(who, key) ? byteCount(key) : 0
    }
    return greatestNeed(request)
  }

  /// Everyone whom somebody waits for, with all edges of rules L7 and L8.
  func edges(of who: UInt64) -> Set<UInt64> {
    var edges = Set(enclosing.filter { $0.value == who }.keys)
    guard let request = requests[who] else { return edges }
    if request.stage == .interval, let place = spaces[request.keyspace].gate.firstIndex(of: who) {
      edges.formUnion(obstacles(who, request, before: place))
    }
    for space in spaces {
      if let own = space.members.first(where: { $0.who == who }), let wanted = own.wanted {
        for other in space.members where other.who != who {
          if !other.mode.isCompatible(with: wanted) { edges.insert(other.who) }
        }
      }
      if let place = space.queue.firstIndex(where: { $0.who == who }) {
        for other in space.members {
          if other.wanted != nil || !other.mode.isCompatible(with: space.queue[place].mode) {
            edges.insert(other.who)
          }
        }
        for earlier in space.queue[..<place] { edges.insert(earlier.who) }
      }
    }
    for lock in locks {
      if let own = lock.holders.first(where: { $0.who == who }), let wanted = own.wanted {
        for holder in lock.holders where holder.who != who {
          if !holder.mode.isCompatible(with: wanted) { edges.insert(holder.who) }
        }
      }
      if let place = lock.queue.firstIndex(where: { $0.who == who }) {
        for holder in lock.holders {
          if holder.wanted != nil || !holder.mode.isCompatible(with: lock.queue[place].mode) {
            edges.insert(holder.who)
          }
        }
        for earlier in lock.queue[..<place] { edges.insert(earlier.who) }
      }
    }
    return edges
  }

  /// Whether each of these waits for the next, and the last for the first.
  func isCircle(_ members: [UInt64]) -> Bool {
    members.indices.allSatisfy { index in
      edges(of: members[index]).contains(members[(index + 1) % members.count])
    }
  }

  /// Whether somebody waits, directly or not, for itself.
  func isInCircle(_ who: UInt64) -> Bool {
    var reached: Set<UInt64> = []
    var frontier = edges(of: who)
    while let next = frontier.popFirst() {
      if next == who { return true }
      if reached.insert(next).inserted { frontier.formUnion(edges(of: next)) }
    }
    return false
  }
}
