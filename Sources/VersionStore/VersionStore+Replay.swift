package import BTreeIndex
package import Primitives
internal import Synchronization

extension VersionStore {
  /// Gathers a commit of the log for `apply(_:)`. Commits come in the order of the log, and only such
  /// as the group takes.
  ///
  /// - Parameter largeValues: as for the `apply` of one commit.
  /// - Throws: `unknownKeyspace`, or `corrupt` for an entry that no commit can have. The group is
  ///   not to be applied then.
  package func gather(
    _ batch: WriteBatch, at timestamp: Timestamp, largeValues: [OverflowReference],
    into group: inout ReplayGroup
  ) throws(StoreError) {
    try group.add(batch, at: timestamp, largeValues, in: self)
  }

  /// Puts the commits of a group into the trees and empties it. Their state is that of applying them
  /// one after the other; commits that are in already change nothing (R1).
  ///
  /// - Throws: the store is poisoned; the group may be there in part, and never becomes visible.
  package func apply(_ group: inout ReplayGroup) throws(StoreError) {
    if group.isEmpty { return }
    group.sort()
    var application = ReplayApplication(store: self)
    gate.enter()
    do throws(StoreError) {
      try application.run(group)
    } catch {
      isTorn.store(true, ordering: .releasing)
      gate.leave()
      poison()
      throw error
    }
    gate.leave()
    var mustWake = deferred.queueFree(application.unneeded)
    for leaf in application.tombstones { mustWake = deferred.queue(leaf) || mustWake }
    if mustWake { maintainer.wake() }
    publish(through: group.timestamp)
    group.removeAll()
  }
}
