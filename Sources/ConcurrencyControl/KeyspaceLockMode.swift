/// How a keyspace is locked as a whole.
///
/// The intention modes say that keys or intervals of it are locked: `intentionShared` by whoever
/// reads some, `intentionExclusive` by whoever writes some. `sharedIntentionExclusive` reads all
/// and writes some.
///
/// ```
///  asked \ held by another   IS    IX    S     SIX   U     X
///           IS               yes   yes   yes   yes   yes   no
///           IX               yes   yes   no    no    no    no
///           S                yes   no    yes   no    yes   no
///           SIX              yes   no    no    no    no    no
///           U                yes   no    yes   no    no    no
///           X                no    no    no    no    no    no
/// ```
///
/// A holder of one mode that asks for another has the weakest mode that gives both:
///
/// ```
///  held \ asked   IS    IX    S     SIX   U     X
///      IS         IS    IX    S     SIX   U     X
///      IX         IX    IX    SIX   SIX   SIX   X
///      S          S     SIX   S     SIX   U     X
///      SIX        SIX   SIX   SIX   SIX   SIX   X
///      U          U     SIX   U     SIX   U     X
///      X          X     X     X     X     X     X
/// ```
package enum KeyspaceLockMode: UInt8, Sendable, Hashable, CaseIterable {
  case intentionShared
  case intentionExclusive
  case shared
  case sharedIntentionExclusive
  case update
  case exclusive

  /// Whether two transactions may hold these modes on one keyspace together (rule L1).
  package func isCompatible(with other: KeyspaceLockMode) -> Bool {
    switch (self, other) {
    case (.exclusive, _), (_, .exclusive): false
    case (.intentionShared, _), (_, .intentionShared): true
    case (.intentionExclusive, .intentionExclusive): true
    case (.shared, .shared), (.shared, .update), (.update, .shared): true
    default: false
    }
  }

  /// The weakest mode that gives this one and another.
  package func converted(by other: KeyspaceLockMode) -> KeyspaceLockMode {
    switch (self, other) {
    case (.exclusive, _), (_, .exclusive): .exclusive
    case (.intentionShared, let mode), (let mode, .intentionShared): mode
    case (.intentionExclusive, .intentionExclusive): .intentionExclusive
    case (.shared, .shared): .shared
    case (.shared, .update), (.update, .shared), (.update, .update): .update
    default: .sharedIntentionExclusive
    }
  }

  /// Whether it only announces locks below it.
  var isIntention: Bool { self == .intentionShared || self == .intentionExclusive }

  /// Whether a holder has this lock on every key of the keyspace without asking for it.
  ///
  /// Writers of keys announce themselves, would-be writers do not: so the shared modes cover
  /// reads alone.
  func covers(_ mode: LockMode) -> Bool {
    switch self {
    case .exclusive: true
    case .shared, .sharedIntentionExclusive, .update: mode == .shared
    case .intentionShared, .intentionExclusive: false
    }
  }
}

extension LockMode {
  /// What a request for a key asks of the keyspace.
  var intention: KeyspaceLockMode {
    self == .exclusive ? .intentionExclusive : .intentionShared
  }
}
