package import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
package import VersionStore

/// The replicated key-value state of one group: a deterministic function of the log, kept in a
/// version store.
///
/// Entries are applied in the order of their slots, as many at a time as are there: what they come to
/// is gathered in memory and becomes one commit of the store, together with the row that says how
/// far it goes. So the store is at every moment, and in every checkpoint, the state at exactly one
/// slot (rule G4), whatever came in between.
///
/// What a command does depends on the entries before it and on nothing else: no clock, no chance, no
/// order of a table in memory (rule G2). The commands are few and fixed; `compareAndSet` compares when
/// it is applied, which every replica does to the same end.
///
/// - Invariant SM1: `row.base.slot` only rises, by one with each entry.
/// - Invariant SM2: the commit of slot s has the timestamp s + 1; the founding has 1.
/// - Invariant SM3: every replica of a group that has applied up to a slot has the same `row`.
package final class StateMachine {
  package let store: VersionStore
  package private(set) var row: StateRow
  private var sessions: SessionTable
  private var changes: [[UInt8]: [UInt8]?] = [:]
  private var batch = WriteBatchBuilder(capacity: 1 << 16)
  private var scratch = ByteBuffer(capacity: 4096)

  static let data = KeyspaceID(1)
  static let sessionRows = KeyspaceID(2)
  static let stateRows = KeyspaceID(3)
  static let stateKey: [UInt8] = Array("state".utf8)
  /// Entries and bytes of one commit of the store, at most.
  static let commitEntryLimit = 512
  static let commitByteLimit = 4 << 20

  static func timestamp(of slot: Slot) -> Timestamp { Timestamp(slot.rawValue + 1) }

  /// Takes over the state that a store holds.
  package init(store: VersionStore) throws(NodeError) {
    self.store = store
    let snapshot = store.beginSnapshot(.published)
    defer { store.endSnapshot(snapshot) }
    row = try Self.readRow(store, snapshot)
    sessions = try Self.readSessions(store, snapshot)
  }

  /// What an entry came to: told in the order of slots, when all of it is in the store.
  package struct Applied {
    package let entry: Entry
    package let hash: StateHash
    /// Of a command: the number under which its proposer waits, and the result.
    package let origin: UInt64
    package let result: CommandResult?
  }

  /// Applies entries, contiguous from behind the newest applied one.
  ///
  /// - Throws: `corrupt` for a command that this version does not know, which must not be skipped;
  ///   `store`. The state goes no further; some of the entries may be applied.
  package func apply(
    _ entries: [Entry], _ tell: (Applied) -> Void
  ) throws(NodeError) {
    var next = 0
    while next < entries.count {
      var applied: [Applied] = []
      var byteCount = 0
      while next < entries.count, applied.count < Self.commitEntryLimit,
        byteCount < Self.commitByteLimit
      {
        applied.append(try evaluate(entries[next]))
        byteCount += entries[next].byteCount
        next += 1
      }
      try commit()
      for one in applied { tell(one) }
    }
  }

  // MARK: Evaluation

  private func evaluate(_ entry: Entry) throws(NodeError) -> Applied {
    precondition(entry.slot == row.base.slot.next, "an entry out of order (SM1)")
    var hash = row.hash
    hash.mix(entry.slot.rawValue)
    var configuration = row.base.configuration
    var configurationSlot = row.base.configurationSlot
    var origin: UInt64 = 0
    var result: CommandResult?
    switch entry.content {
    case .noOperation, .newLeader, .tick, .leaseRelease: break
    case .configuration(let chosen):
      (configuration, configurationSlot) = (chosen, entry.slot)
    case .command(let bytes):
      let logged: LoggedCommand
      do {
        logged = try bytes.withByteView { (view) throws(CorruptionError) in
          try LoggedCommand(decoding: view)
        }
      } catch {
        throw .corrupt(error)
      }
      try requireFitting(logged.command)
      let outcome = try carryOut(logged.command, at: entry.slot)
      (origin, result) = (logged.origin, outcome)
      bytes.withByteView { hash.mix($0) }
      hash.mix(outcome.hashWord)
    }
    row = StateRow(
      base: LogBase(
        slot: entry.slot, configuration: configuration, configurationSlot: configurationSlot),
      hash: hash)
    return Applied(entry: entry, hash: hash, origin: origin, result: result)
  }

  /// Whoever proposed it has looked: the nodes of a group have pages of the same size.
  private func requireFitting(_ command: Command) throws(NodeError) {
    guard command.keyByteCount <= store.maximumKeyByteCount,
      command.inlineByteCount <= store.maximumInlineByteCount
    else {
      throw .corrupt(
        CorruptionError(
          location: "replicated command", expected: "a key and a value that fit into a page",
          found: "\(command.keyByteCount) and \(command.inlineByteCount) bytes"))
    }
  }

  /// Carries out a command unless its session says that it was (I1, I2).
  private func carryOut(
    _ command: Command, at slot: Slot
  ) throws(NodeError) -> CommandResult {
    let id = command.session
    if id == .none {
      if case .openSession = command.operation { return .opened(sessions.open(at: slot)) }
      return try change(command.operation)
    }
    guard let session = sessions[id] else { return .sessionExpired }
    switch session.verdict(on: command.sequence) {
    case .known(let result): return result
    case .expired: return .outcomeExpired
    case .isNew: break
    }
    let result = try change(command.operation)
    sessions.use(id, at: slot) { session in
      session.remember(command.sequence, result)
      session.forget(through: min(command.acknowledgedThrough, command.sequence - 1))
    }
    return result
  }

  private func change(_ operation: Command.Operation) throws(NodeError) -> CommandResult {
    switch operation {
    case .openSession: return .mismatch
    case .put(let key, let value):
      changes[key] = .some(value)
      return .done
    case .delete(let key):
      changes[key] = .some(nil)
      return .done
    case .compareAndSet(let key, let expected, let value):
      guard try current(key) == expected else { return .mismatch }
      changes[key] = .some(value)
      return .swapped
    }
  }

  /// The value of a key behind everything that was evaluated.
  private func current(_ key: [UInt8]) throws(NodeError) -> [UInt8]? {
    if let changed = changes[key] { return changed }
    return try value(of: key)
  }

  // MARK: Reading

  /// The value of a key at the applied slot.
  package func value(of key: [UInt8]) throws(NodeError) -> [UInt8]? {
    let snapshot = store.beginSnapshot(.published)
    defer { store.endSnapshot(snapshot) }
    scratch.removeAll()
    do throws(StoreError) {
      let found = try key.withByteView { (key) throws(StoreError) in
        try store.find(key, in: Self.data, at: snapshot, appendingValueTo: &scratch)
      }
      return found.map { scratch.view[$0.valueRange].array }
    } catch {
      throw .store(error)
    }
  }

  // MARK: Commits of the store

  /// Puts everything evaluated into the store, as one commit.
  private func commit() throws(NodeError) {
    batch.removeAll()
    for key in changes.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      key.withByteView { key in
        guard let value = changes[key.array] ?? nil else {
          batch.remove(key, in: Self.data)
          return
        }
        value.withByteView { batch.set(key, to: $0, in: Self.data) }
      }
    }
    for id in sessions.changed.sorted() {
      Session.key(id).withByteView { key in
        guard let session = sessions[id] else {
          batch.remove(key, in: Self.sessionRows)
          return
        }
        scratch.removeAll()
        session.encode(into: &scratch)
        batch.set(key, to: scratch.view, in: Self.sessionRows)
      }
    }
    scratch.removeAll()
    row.encode(into: &scratch)
    Self.stateKey.withByteView { batch.set($0, to: scratch.view, in: Self.stateRows) }
    changes.removeAll(keepingCapacity: true)
    sessions.clearChanged()
    do throws(StoreError) {
      try store.commit(batch.finish(), at: Self.timestamp(of: row.base.slot))
    } catch {
      throw .store(error)
    }
  }

  // MARK: Opening

  private static func readRow(
    _ store: VersionStore, _ snapshot: StoreSnapshot
  ) throws(NodeError) -> StateRow {
    var scratch = ByteBuffer(capacity: 256)
    do {
      let found = try stateKey.withByteView { (key) throws(StoreError) in
        try store.find(key, in: stateRows, at: snapshot, appendingValueTo: &scratch)
      }
      guard let found else {
        throw CorruptionError(
          location: "state of a replica", expected: "a row that says how far it goes",
          found: "none")
      }
      return try StateRow(decoding: scratch.view[found.valueRange])
    } catch let error as StoreError {
      throw .store(error)
    } catch let error as CorruptionError {
      throw .corrupt(error)
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
  }

  private static func readSessions(
    _ store: VersionStore, _ snapshot: StoreSnapshot
  ) throws(NodeError) -> SessionTable {
    var stored: [SessionID: Session] = [:]
    do {
      var cursor = try store.makeCursor(in: sessionRows, at: snapshot)
      var isThere = try cursor.seekFirst()
      while isThere {
        stored[try Session.id(ofKey: cursor.key)] = try Session(decoding: cursor.value)
        isThere = try cursor.next()
      }
    } catch let error as StoreError {
      throw .store(error)
    } catch let error as CorruptionError {
      throw .corrupt(error)
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
    return SessionTable(stored: stored)
  }
}

extension VersionStore {
  /// Applies and publishes one commit of the only writer there is.
  func commit(_ batch: WriteBatch, at timestamp: Timestamp) throws(StoreError) {
    try reserveSpace(2 * batch.bytes.count)
    let announcement = announce(batch, isAcknowledgedAtPublication: true)
    do throws(StoreError) {
      try apply(batch, at: timestamp, announcement: announcement)
    } catch {
      retract(announcement)
      throw error
    }
    publish(through: timestamp)
    acknowledge(through: timestamp)
    retract(announcement)
  }
}

extension CommandResult {
  /// What a result adds to the hash of the state.
  fileprivate var hashWord: UInt64 {
    switch self {
    case .done: 1
    case .swapped: 2
    case .mismatch: 3
    case .outcomeExpired: 4
    case .sessionExpired: 5
    case .opened(let session): 6 &+ session.rawValue << 3
    }
  }
}
