package import Primitives

/// What a lock is on: a key of a keyspace, whether it exists or not, by a fingerprint.
///
/// Two keys with one fingerprint share a lock: a wait too many now and then, never one too few
/// (rules L2, O6). Never a page or a slot, so splits and merges do not touch locks.
package struct LockName: Hashable, Sendable, BitwiseCopyable {
  package let keyspace: KeyspaceID
  /// A hash of the key, the same everywhere in the process.
  package let fingerprint: UInt64

  package init(keyspace: KeyspaceID, fingerprint: UInt64) {
    self.keyspace = keyspace
    self.fingerprint = fingerprint
  }
}
