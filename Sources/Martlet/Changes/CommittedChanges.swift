public import Primitives

/// What one transaction changed: an element of a ``ChangeFeed``.
///
/// It is whole: a transaction never comes in two elements, nor two in one. What it did to keyspaces
/// that the feed does not watch is left out.
///
/// It can be empty. On a feed that watches few keyspaces an element without changes comes about once
/// in each megabyte of what others wrote: it carries nothing but a newer ``token``, so that a
/// consumer who saves tokens does not fall behind while nothing happens to it.
public struct CommittedChanges: Sendable {
  /// The moment of the commit. Elements come in this order.
  public let timestamp: Timestamp
  /// The transaction that committed.
  public let transaction: TransactionID
  /// Keyspaces that were made, built in bulk or dropped.
  public let keyspaceEvents: [KeyspaceEvent]
  /// The keys that were written, each once, ascending by keyspace and key.
  public let changes: [Change]
  /// Where a feed goes on behind this element.
  public let token: ChangeToken

  /// Whether it carries a token and nothing else.
  public var isEmpty: Bool { changes.isEmpty && keyspaceEvents.isEmpty }
}

/// What a transaction did to one key.
public struct Change: Sendable, Hashable {
  /// The keyspace of the key; compare it with ``Keyspace/id``.
  public let keyspace: KeyspaceID
  /// The key.
  public let key: [UInt8]
  /// What the key has from this commit on.
  public let newValue: ChangedValue
  /// What it had before: ``ChangedValue/unrecorded`` unless the keyspace was made with
  /// ``KeyspaceOptions/recordsPreviousValues``. It is the ``newValue`` of the change of the key before
  /// this one, even if that has expired meanwhile (``oldExpiry``).
  public let oldValue: ChangedValue
  /// When the key expires from this commit on; nil when it does not.
  ///
  /// Nothing is told at that moment. When an expired entry is removed, in the background and later, or
  /// replaced, a change tells of that as of any other.
  public let expiry: WallTime?
  /// When the old value expired or would have; nil when it did not, or is not recorded.
  public let oldExpiry: WallTime?

  /// Whether the key was removed.
  public var isRemoval: Bool { newValue == .absent }
}

/// A value as a change tells it.
public enum ChangedValue: Sendable, Hashable {
  /// The key was or is not there.
  case absent
  /// The value.
  case bytes([UInt8])
  /// A value of so many bytes that is not carried along: one above 1 MiB, one that came behind
  /// 16 MiB of others in the same transaction, or one whose beginning the log does not hold any
  /// more.
  ///
  /// A new value can be read from the database, whose newest state may be newer:
  /// ``Snapshot/timestamp(of:in:)`` tells, and if it is, a later element tells of that change.
  case omitted(byteCount: UInt64)
  /// Nobody asked for it to be recorded. Of old values only.
  case unrecorded

  /// The value as a type; nil when it is absent, not carried along, or not of that type.
  public func decoded<Value: StoredValue>(as type: Value.Type) -> Value? {
    guard case .bytes(let bytes) = self else { return nil }
    return unsafe bytes.withUnsafeBytes { unsafe Value(valueBytes: $0.bytes) }
  }
}

/// What happened to a whole keyspace.
public struct KeyspaceEvent: Sendable, Hashable {
  /// What happened.
  public enum Kind: String, Sendable, Hashable {
    /// It was made, empty.
    case created
    /// It appeared with everything in it, by a bulk build, whose records are in no feed: read them
    /// from the database.
    case built
    /// It was dropped with everything in it. No change tells of its keys.
    case dropped
  }

  /// What happened.
  public let kind: Kind
  /// The keyspace's number, never used again.
  public let keyspace: KeyspaceID
  /// Its name.
  public let name: String
}
