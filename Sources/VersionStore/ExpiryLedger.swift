internal import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

/// What the store knows of entries that expire: whether there are any, what time it is for them, and
/// where it is worth looking for those that have.
///
/// - Invariant EX1: `isInUse` is true before a commit with an entry that expires is published, and
///   for the rest of the store's life.
/// - Invariant EX2: an entry is noted after it was put into its tree. Whoever takes a stretch and
///   then walks it so finds the entry there, or its note afterwards.
package final class ExpiryLedger: Sendable {
  private let clock: ExpiryClock
  private let used: Atomic<Bool>
  private let map: ShortMutex<ExpiryMap>

  init(time: any TimeSource, keyspaces: [KeyspaceID]) {
    clock = ExpiryClock(time: time)
    used = Atomic(!keyspaces.isEmpty)
    var map = ExpiryMap()
    for keyspace in keyspaces { map.addUnknown(keyspace) }
    self.map = ShortMutex(map)
  }

  /// Whether any entry expires, or did so once.
  package var isInUse: Bool { used.load(ordering: .acquiring) }

  /// Says that entries will expire. Before the commit of the first one.
  package func use() {
    if !isInUse { used.store(true, ordering: .sequentiallyConsistent) }
  }

  /// The moment against which a transaction that begins now judges.
  package var now: UInt64 { clock.now }

  /// Notes an entry that is in its tree by now.
  func note(_ expiry: UInt64, of key: ByteView, in keyspace: KeyspaceID) {
    use()
    map.withLock { $0.note(expiry, of: key, in: keyspace) }
  }

  /// Keyspaces with entries that expire.
  package var keyspaces: [KeyspaceID] { map.withLock { $0.keyspaces } }

  /// When the next stretch is worth a visit, in the time of `now`; nil: none is.
  package var nextDue: UInt64? { map.withLock { $0.nextDue } }

  /// The stretch that has been due for longest, if one is due at a moment. It is not due any more
  /// until its visit has ended or a new entry is noted in it.
  package func take(dueAt moment: UInt64) -> ExpiryStretch? {
    map.withLock { $0.take(dueAt: moment) }
  }

  /// Ends the visit of a stretch up to a key, exclusive; nil: of the whole.
  ///
  /// - Parameters:
  ///   - due: when what was visited is worth the next visit; nil: nothing expires in it.
  ///   - restDue: when the rest behind the key is.
  package func visited(
    _ stretch: ExpiryStretch, upTo end: [UInt8]?, due: UInt64?, restDue: UInt64?
  ) {
    map.withLock { $0.visited(stretch, upTo: end, due: due, restDue: restDue) }
  }

  /// Forgets a keyspace that is no more.
  package func forget(_ keyspace: KeyspaceID) { map.withLock { $0.forget(keyspace) } }
}
