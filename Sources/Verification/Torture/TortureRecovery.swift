/// What a restart shows.
package struct TortureRecovery: Sendable, Equatable {
  package var state: TortureState
  /// By which it judged what expires; zero when nothing did.
  package var moment: UInt64
  /// What expires at or before this may have been removed, in the life before or in a recovery.
  package var sweptUpTo: UInt64

  package init(_ state: TortureState, moment: UInt64 = 0, sweptUpTo: UInt64 = 0) {
    self.state = state
    self.moment = moment
    self.sweptUpTo = max(sweptUpTo, moment)
  }

  /// What is there for whoever judges by a moment.
  package func state(at moment: UInt64) -> TortureState {
    moment == 0 ? state : state.mapValues { $0.filter { $0.value.isAlive(at: moment) } }
  }
}

/// What else keys may hold: by keyspace and key, where the contents are not certain.
struct TortureDoubts: Sendable {
  private var entries: [String: [Int: [TortureEntry?]]] = [:]

  subscript(keyspace: String, key: Int) -> [TortureEntry?] {
    get { entries.isEmpty ? [] : entries[keyspace]?[key] ?? [] }
    set {
      if newValue.isEmpty, entries[keyspace]?[key] == nil { return }
      entries[keyspace, default: [:]][key] = newValue.isEmpty ? nil : newValue
    }
  }

  /// Whether anything of a keyspace is in doubt.
  func concern(_ keyspace: String) -> Bool { entries[keyspace]?.isEmpty == false }

  func keys(in keyspace: String) -> [Int] { entries[keyspace].map { Array($0.keys) } ?? [] }
}
