internal import Primitives

/// The sessions of a state, by a function of the log alone: which one is dropped when there are too
/// many depends on slots and on nothing else.
///
/// - Invariant ST1: no two sessions have the same `lastSlot`, since a slot holds one command.
/// - Invariant ST2: every session stands in `uses` with its `lastSlot`; older uses stand there too.
struct SessionTable {
  private var sessions: [SessionID: Session] = [:]
  /// Uses in the order of slots; what is not the newest use of its session is passed over.
  private var uses: [(slot: Slot, session: SessionID)] = []
  private var firstUse = 0
  /// What changed since the last commit.
  private(set) var changed: Set<SessionID> = []

  /// More sessions than this are not kept.
  static let limit = 10_000

  init() {}

  /// The sessions as a store holds them.
  init(stored: [SessionID: Session]) {
    sessions = stored
    uses = stored.map { (slot: $0.value.lastSlot, session: $0.key) }.sorted { $0.slot < $1.slot }
  }

  subscript(id: SessionID) -> Session? { sessions[id] }

  mutating func open(at slot: Slot) -> SessionID {
    let id = SessionID(slot.rawValue)
    precondition(sessions[id] == nil, "a slot opens one session")
    sessions[id] = Session(openedAt: slot)
    note(id, at: slot)
    while sessions.count > Self.limit { dropOldest() }
    return id
  }

  /// Changes a session that is there, by the command of a slot.
  mutating func use(_ id: SessionID, at slot: Slot, _ body: (inout Session) -> Void) {
    guard var session = sessions.removeValue(forKey: id) else {
      preconditionFailure("a session that is not there")
    }
    session.lastSlot = slot
    body(&session)
    sessions[id] = session
    note(id, at: slot)
  }

  mutating func clearChanged() { changed.removeAll(keepingCapacity: true) }

  private mutating func note(_ id: SessionID, at slot: Slot) {
    uses.append((slot: slot, session: id))
    changed.insert(id)
    if uses.count - firstUse > 4 * sessions.count + 64 { compact() }
  }

  private func isNewest(_ use: (slot: Slot, session: SessionID)) -> Bool {
    sessions[use.session]?.lastSlot == use.slot
  }

  private mutating func dropOldest() {
    while firstUse < uses.count {
      let use = uses[firstUse]
      firstUse += 1
      guard isNewest(use) else { continue }
      sessions[use.session] = nil
      changed.insert(use.session)
      return
    }
    preconditionFailure("a session without a use (ST2)")
  }

  private mutating func compact() {
    uses = uses[firstUse...].filter { isNewest($0) }
    firstUse = 0
  }
}
