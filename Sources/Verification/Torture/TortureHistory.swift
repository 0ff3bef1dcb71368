package import Primitives

/// The contents of a database as the history makes them: keyspace, number of the key, entry.
package typealias TortureState = [String: [Int: TortureEntry]]

/// Everything that was asked of a database in one life, and what it answered: the oracle's
/// evidence.
///
/// Sessions are numbered, and so are their attempts to commit, from 1 and through all lives. Each
/// attempt sets the session's row in the keyspace `ledger` to its number, so that any consistent
/// view of the database tells which attempts it holds, and the moment of the newest of each
/// session, although their acknowledgements were lost.
package struct TortureHistory: Sendable {
  /// The keyspace of those rows.
  package static let ledger = "ledger"

  /// What a transaction does to a key, one after the other.
  package struct Change: Sendable {
    package private(set) var effects: [TortureEffect] = []
    /// Nothing but merges, and the transaction has not read the key: then they are applied to the
    /// newest value, whatever the snapshot shows.
    package private(set) var isBlind = true

    package init() {}

    package mutating func add(_ effect: TortureEffect) {
      switch effect {
      case .set, .remove:
        effects = [effect]
        isBlind = false
      case .touch:
        effects.append(effect)
        isBlind = false
      case .merge: effects.append(effect)
      }
    }

    /// The transaction reads the key.
    package mutating func pin() { isBlind = false }

    /// Whether what comes of it does not depend on what was there.
    var isIndependent: Bool {
      switch effects.first {
      case .set, .remove: true
      default: false
      }
    }
  }

  /// One key's change.
  package struct Write: Sendable {
    package let keyspace: String
    package let key: Int
    package let change: Change

    package init(_ keyspace: String, _ key: Int, _ change: Change) {
      self.keyspace = keyspace
      self.key = key
      self.change = change
    }

    /// Of a value that does not expire; nil removes it.
    package init(_ keyspace: String, _ key: Int, _ hash: UInt64?) {
      var change = Change()
      change.add(hash.map { .set(hash: $0, bytes: nil, expiry: 0) } ?? .remove)
      self.init(keyspace, key, change)
    }
  }

  /// What a transaction or a snapshot saw of one key; nil: absent.
  package struct Sight: Sendable {
    package let keyspace: String
    package let key: Int
    package let hash: UInt64?
    /// When it expires; nil: nobody asked.
    package let expiry: UInt64?
    /// What the transaction itself had done to it before.
    package let own: [TortureEffect]

    package init(
      keyspace: String, key: Int, hash: UInt64?, expiry: UInt64? = nil, own: [TortureEffect] = []
    ) {
      self.keyspace = keyspace
      self.key = key
      self.hash = hash
      self.expiry = expiry
      self.own = own
    }
  }

  /// What a scan returned, in its order.
  package struct Scan: Sendable {
    package let keyspace: String
    /// Nil: all there are.
    package let bounds: Range<Int>?
    package let isReverse: Bool
    package let limit: Int
    /// The transaction's own writes to the keyspace when the scan began.
    package var ownWrites: [Int: [TortureEffect]] = [:]
    package var rows: [(key: Int, hash: UInt64)] = []

    package init(_ keyspace: String, _ bounds: Range<Int>?, isReverse: Bool, limit: Int) {
      self.keyspace = keyspace
      self.bounds = bounds
      self.isReverse = isReverse
      self.limit = limit
    }
  }

  /// What became of an attempt.
  package enum Outcome: Sendable, Equatable {
    /// Under way, or cut off, or the engine said that it does not know.
    case unknown
    case rolledBack
    case committed(Timestamp, isDurable: Bool)
    /// It wrote nothing and returned.
    case readOnly
  }

  /// An attempt to commit, by one session.
  package struct Attempt: Sendable {
    package let session: Int
    package let number: Int
    /// Its place in the order of events.
    package let invoked: Int
    package var returned = Int.max
    package var snapshot: Timestamp?
    /// By which it judges what expires; zero when nothing did.
    package var moment: UInt64 = 0
    /// No clock of the database was beyond this when it returned.
    package var latestMoment = UInt64.max
    package var writes: [Write] = []
    package var sights: [Sight] = []
    package var scans: [Scan] = []
    package var outcome = Outcome.unknown

    /// Whether it has read nothing, and but for its session's row written nothing that another has.
    var onlyMerges: Bool {
      sights.isEmpty && scans.isEmpty && writes.count > 1
        && writes.allSatisfy { $0.change.isBlind || $0.keyspace == TortureHistory.ledger }
    }

    package init(session: Int, number: Int, invoked: Int) {
      self.session = session
      self.number = number
      self.invoked = invoked
    }
  }

  /// A read-only view: its scans and sights, and the ledger as it shows it.
  package struct Observation: Sendable {
    package let snapshot: Timestamp
    /// By which it judges what expires; zero when nothing did.
    package var moment: UInt64 = 0
    /// What expires at or before this may have been removed, although the view judges by an earlier
    /// moment: it is one of a copy, whose clock is another.
    package var sweptUpTo: UInt64 = 0
    package var sights: [Sight] = []
    package var scans: [Scan] = []
    /// The number and the moment of each session's newest attempt in it.
    package var ledger: [Int: (number: Int, timestamp: Timestamp)] = [:]
    /// Whether it was answered, and not relaxed: then what it shows is durable.
    package var isDurable = false

    package init(snapshot: Timestamp, scans: [Scan] = []) {
      self.snapshot = snapshot
      self.scans = scans
    }
  }

  /// A record of a bulk build.
  package struct Built: Sendable {
    package let hash: UInt64
    package let expiry: UInt64

    package init(hash: UInt64, expiry: UInt64 = 0) {
      self.hash = hash
      self.expiry = expiry
    }
  }

  /// The making or dropping of a keyspace; names are never used again.
  package struct CatalogChange: Sendable {
    package let name: String
    package let isCreation: Bool
    /// What a bulk build put into it; nil for all other changes.
    package let content: [Int: Built]?
    package let invoked: Int
    package var returned = Int.max
    /// Nil: unknown.
    package var succeeded: Bool?
    package var isDurable = false

    package init(
      name: String, isCreation: Bool, content: [Int: Built]? = nil, invoked: Int
    ) {
      self.name = name
      self.isCreation = isCreation
      self.content = content
      self.invoked = invoked
    }
  }

  package var attempts: [Attempt] = []
  package var observations: [Observation] = []
  package var catalogChanges: [CatalogChange] = []
  private var eventCount = 0

  package init() {}

  /// The next place in the order of events.
  package mutating func nextEvent() -> Int {
    eventCount += 1
    return eventCount
  }
}
