package import BTreeIndex
internal import Paging
package import Primitives

extension VersionStore {
  /// Counts what a keyspace takes: every entry and every page of its tree, and the bytes of their
  /// images in the data file. Writers go on meanwhile, and nothing is checked that `verify` checks;
  /// damage that is met ends the count.
  ///
  /// - Parameter snapshot: keeps the keyspace from being destroyed meanwhile.
  /// - Complexity: O(pages of the keyspace).
  package func census(
    of keyspace: KeyspaceID, at snapshot: StoreSnapshot
  ) throws(StoreError) -> (tree: TreeCensus, storedByteCount: Int) {
    let root = try readableRoot(of: keyspace, at: snapshot)
    var storedByteCount = 0
    var pages: [PageID] = []
    var damage: CorruptionError?
    let census: TreeCensus
    do throws(TreeError) {
      census = try tree(at: root).verify { id in
        pages.append(id)
        guard pages.count == 1024 else { return }
        storedByteCount += pager.storedByteCount(of: pages)
        pages.removeAll(keepingCapacity: true)
      } report: { finding in
        damage = damage ?? finding
      }
    } catch {
      throw .tree(error)
    }
    if let damage { throw .tree(.corrupt(damage)) }
    return (census, storedByteCount + pager.storedByteCount(of: pages))
  }
}
