package import Primitives

/// The life of a keyspace.
package enum KeyspaceState: UInt8, Sendable, Equatable {
  /// In use.
  case live = 1
  /// Dropped by a commit; its tree goes once no snapshot needs it.
  case dropping = 2
}

/// What the catalog says of a keyspace.
package struct KeyspaceInfo: Sendable, Equatable {
  package let id: KeyspaceID
  package let name: String
  package let state: KeyspaceState
  /// The commit that dropped it; nil while it is live.
  package let droppedAt: Timestamp?
  /// Encoded options that the owner gave (`format-spec/catalog.md`, tag 3); opaque to the store.
  package let options: [UInt8]
}
