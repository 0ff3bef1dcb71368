package import Primitives

/// A value as the history knows it: the hash of its bytes, under the moment of its commit.
package struct TortureEntry: Sendable, Hashable {
  package var hash: UInt64
  package var timestamp: Timestamp

  package init(hash: UInt64, timestamp: Timestamp) {
    self.hash = hash
    self.timestamp = timestamp
  }
}

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

  /// One key's change; nil removes it.
  package struct Write: Sendable {
    package let keyspace: String
    package let key: Int
    package let hash: UInt64?

    package init(_ keyspace: String, _ key: Int, _ hash: UInt64?) {
      self.keyspace = keyspace
      self.key = key
      self.hash = hash
    }
  }

  /// What a transaction or a snapshot saw of one key; nil: absent.
  package struct Sight: Sendable {
    package let keyspace: String
    package let key: Int
    package let hash: UInt64?

    package init(keyspace: String, key: Int, hash: UInt64?) {
      self.keyspace = keyspace
      self.key = key
      self.hash = hash
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
    package var ownWrites: [Int: UInt64?] = [:]
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
    package var writes: [Write] = []
    package var sights: [Sight] = []
    package var scans: [Scan] = []
    package var outcome = Outcome.unknown

    package init(session: Int, number: Int, invoked: Int) {
      self.session = session
      self.number = number
      self.invoked = invoked
    }
  }

  /// A read-only view: its scans and sights, and the ledger as it shows it.
  package struct Observation: Sendable {
    package let snapshot: Timestamp
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

  /// The making or dropping of a keyspace; names are never used again.
  package struct CatalogChange: Sendable {
    package let name: String
    package let isCreation: Bool
    /// What a bulk build put into it, as hashes; nil for all other changes.
    package let content: [Int: UInt64]?
    package let invoked: Int
    package var returned = Int.max
    /// Nil: unknown.
    package var succeeded: Bool?
    package var isDurable = false

    package init(
      name: String, isCreation: Bool, content: [Int: UInt64]? = nil, invoked: Int
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
