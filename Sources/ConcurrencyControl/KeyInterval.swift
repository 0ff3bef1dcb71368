package import Primitives

/// A half-open interval of a keyspace's keys, whatever the tree contains (rules L2, S10).
package struct KeyInterval: Hashable, Sendable {
  package let keyspace: KeyspaceID
  package let lower: [UInt8]
  /// Nil: to the end of the keyspace.
  package let upper: [UInt8]?

  package init(keyspace: KeyspaceID, lower: [UInt8], upper: [UInt8]?) {
    self.keyspace = keyspace
    self.lower = lower
    self.upper = upper
  }
}
