internal import Primitives
internal import RawBytes
internal import Synchronization

/// The keyspaces in memory: what the catalog's newest entries say, and where each tree begins.
///
/// A read needs the root alone, and gets it without a lock. Names and states are behind a mutex.
///
/// - Invariant KT1: a root, once set, changes only to none, when its tree has been destroyed.
/// - Invariant KT2: ids are never reused: `next` is above every id ever seen.
/// - Invariant KT3: the root of a built keyspace is young as long as a snapshot may be in use that
///   is older than the build's commit.
final class KeyspaceTable: Sendable {
  private struct State {
    /// Ascending by id.
    var infos: [KeyspaceInfo] = []
    /// Ids with a tree, ascending.
    var rooted: [KeyspaceID] = []
    var liveByName: [String: KeyspaceID] = [:]
    /// Built keyspaces that are young, and the moments of their commits.
    var young: [KeyspaceID: Timestamp] = [:]

    func position(of id: KeyspaceID) -> (index: Int, isPresent: Bool) {
      var low = 0
      var high = infos.count
      while low < high {
        let middle = (low + high) / 2
        if infos[middle].id < id { low = middle + 1 } else { high = middle }
      }
      return (low, low < infos.count && infos[low].id == id)
    }
  }

  private let roots = RootDirectory()
  private let state = ShortMutex(State())
  private let next: Atomic<UInt32>
  private let droppingCount = Atomic<Int>(0)
  private let youngCount = Atomic<Int>(0)

  init(nextID: KeyspaceID) { next = Atomic(nextID.rawValue) }

  // MARK: Ids and roots

  var nextID: KeyspaceID { KeyspaceID(next.load(ordering: .acquiring)) }

  func takeID() -> KeyspaceID {
    let id = next.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
    precondition(id < UInt32.max, "4,294,967,295 keyspaces in the life of a database")
    return KeyspaceID(id)
  }

  /// Makes sure that an id seen in a batch is never given out.
  private func reserve(_ id: KeyspaceID) {
    precondition(id.rawValue < UInt32.max)
    next.max(id.rawValue + 1, ordering: .acquiringAndReleasing)
  }

  @inline(__always)
  func root(of id: KeyspaceID) -> RootDirectory.Root { roots[id] }

  func setRoot(_ root: PageID, of id: KeyspaceID) {
    let old = roots[id]
    precondition((old.page == .none) != (root == .none), "a root comes once, goes once (KT1)")
    reserve(id)
    state.withLock { state in
      roots.set(root, isDropping: old.isDropping, isYoung: old.isYoung, for: id)
      if root == .none {
        state.rooted.removeAll { $0 == id }
      } else {
        let index = state.rooted.firstIndex { $0 > id } ?? state.rooted.count
        state.rooted.insert(id, at: index)
      }
    }
  }

  /// Every tree, ascending by id.
  var allRoots: [RootTable.Root] {
    state.withLock { $0.rooted }.map { RootTable.Root(keyspace: $0, page: roots[$0].page) }
  }

  // MARK: Names and states

  var hasDropping: Bool { droppingCount.load(ordering: .acquiring) > 0 }

  /// Takes in an entry of the catalog, written at `timestamp`. With `builtAt` the keyspace has
  /// content that no snapshot before that moment may see.
  func update(
    _ id: KeyspaceID, _ entry: CatalogEntry, at timestamp: Timestamp, builtAt: Timestamp? = nil
  ) {
    reserve(id)
    state.withLock { state in
      let (index, isPresent) = state.position(of: id)
      let old = isPresent ? state.infos[index] : nil
      let info = KeyspaceInfo(
        id: id, name: entry.name, state: entry.state,
        droppedAt: entry.state == .dropping ? old?.droppedAt ?? timestamp : nil,
        options: entry.options)
      if isPresent { state.infos[index] = info } else { state.infos.insert(info, at: index) }
      if let old, state.liveByName[old.name] == id { state.liveByName[old.name] = nil }
      if entry.state == .live { state.liveByName[entry.name] = id }
      if let builtAt { state.young[id] = builtAt }
      roots.set(
        roots[id].page, isDropping: entry.state == .dropping, isYoung: state.young[id] != nil,
        for: id)
      recount(&state)
    }
  }

  /// Forgets a keyspace whose tree and catalog entry are gone.
  func forget(_ id: KeyspaceID) {
    state.withLock { state in
      let (index, isPresent) = state.position(of: id)
      guard isPresent else { return }
      state.infos.remove(at: index)
      state.young[id] = nil
      recount(&state)
    }
  }

  private func recount(_ state: inout State) {
    droppingCount.store(
      state.infos.count { $0.state == .dropping }, ordering: .releasing)
    youngCount.store(state.young.count, ordering: .releasing)
  }

  // MARK: Built keyspaces

  var hasYoung: Bool { youngCount.load(ordering: .acquiring) > 0 }

  /// The moment from which a young keyspace may be seen; nil when it is not young.
  func builtAt(_ id: KeyspaceID) -> Timestamp? { state.withLock { $0.young[id] } }

  /// Every snapshot in use shows this moment or a later one: what was built by then is like any
  /// other keyspace (KT3).
  func grow(through horizon: Timestamp) {
    guard hasYoung else { return }
    state.withLock { state in
      for (id, moment) in state.young where moment <= horizon {
        state.young[id] = nil
        roots.set(roots[id].page, isDropping: roots[id].isDropping, for: id)
      }
      recount(&state)
    }
  }

  func live(named name: String) -> KeyspaceInfo? {
    state.withLock { state in
      guard let id = state.liveByName[name] else { return nil }
      return state.infos[state.position(of: id).index]
    }
  }

  func info(_ id: KeyspaceID) -> KeyspaceInfo? {
    state.withLock { state in
      let (index, isPresent) = state.position(of: id)
      return isPresent ? state.infos[index] : nil
    }
  }

  var infos: [KeyspaceInfo] { state.withLock { $0.infos } }

  /// Dropped keyspaces whose drop every snapshot shows, ascending by id.
  func dropping(through horizon: Timestamp) -> [KeyspaceID] {
    guard hasDropping else { return [] }
    return state.withLock { state in
      state.infos.filter { info in info.droppedAt.map { $0 <= horizon } ?? false }.map(\.id)
    }
  }
}
