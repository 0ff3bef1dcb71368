internal import BTreeIndex
internal import Primitives
internal import RawBytes

/// What a walk over a stretch found.
package struct ExpiryFinding: Sendable, Equatable {
  /// Keys of entries that have expired, ascending.
  package var expired: [[UInt8]] = []
  /// When the first of the others will expire; nil when none of them does.
  package var due: UInt64?
  /// Where the walk stopped before the end of the stretch: the first key that it did not look at.
  package var end: [UInt8]?
  /// Entries that it looked at.
  package var entryCount = 0
}

extension VersionStore {
  /// Looks for entries that have expired, among the newest committed ones, without any lock. What it
  /// finds may have changed by the time it returns.
  ///
  /// - Parameters:
  ///   - entryLimit: how many entries it looks at, at most.
  ///   - keyLimit: how many keys it returns, at most.
  /// - Throws: `unknownKeyspace` for a keyspace that was dropped.
  package func findExpired(
    in stretch: ExpiryStretch, at moment: UInt64, entryLimit: Int, keyLimit: Int
  ) throws(StoreError) -> ExpiryFinding {
    // Keeps the tree from being destroyed meanwhile.
    let snapshot = beginSnapshot(.published)
    defer { endSnapshot(snapshot) }
    let root = try readableRoot(of: stretch.keyspace, at: snapshot)
    var finding = ExpiryFinding()
    do throws(TreeError) {
      var cursor = tree(at: root).makeReadCursor()
      var isThere = try stretch.lower.withByteView { (lower) throws(TreeError) in
        try cursor.seek(atOrAfter: lower)
      }
      while isThere {
        let key = cursor.key
        if let upper = stretch.upper, upper.withByteView({ !(key < $0) }) { return finding }
        guard finding.entryCount < entryLimit, finding.expired.count < keyLimit else {
          finding.end = key.array
          return finding
        }
        finding.entryCount += 1
        let expiry = cursor.entry.expiry
        if expiry != 0 {
          if expiry <= moment {
            finding.expired.append(key.array)
          } else {
            finding.due = min(finding.due ?? .max, expiry)
          }
        }
        isThere = try cursor.next()
      }
    } catch {
      throw .tree(error)
    }
    return finding
  }
}
