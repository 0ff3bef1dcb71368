package import BTreeIndex
internal import Paging
internal import Primitives
package import RawBytes

extension VersionStore {
  /// The longest key.
  package var maximumKeyByteCount: Int { Tree.maximumKeyByteCount(pageSize: pager.pageSize) }

  /// Key and value together beyond this travel as a large value.
  package var maximumInlineByteCount: Int {
    Tree.maximumInlineByteCount(pageSize: pager.pageSize)
  }

  /// Writes a large value to private overflow pages, which no checkpoint takes along until a commit
  /// installs them. Dropped unfinished, it frees them.
  package func makeOverflowWriter(byteCount: UInt64) -> OverflowWriter {
    OverflowWriter(pager: pager, byteCount: byteCount)
  }

  /// Frees a finished large value that no commit will install.
  package func discard(_ reference: OverflowReference) throws(StoreError) {
    do { try Overflow.free(reference, pager: pager) } catch { throw .tree(error) }
  }

  /// Copies bytes of a large value that a look-up at a snapshot found.
  ///
  /// - Returns: how many; fewer than asked only at the value's end.
  /// - Throws: `snapshotTooOld` when the snapshot has expired, whatever was read.
  package func readOverflow(
    _ reference: OverflowReference, at offset: UInt64, into bytes: MutableByteView,
    snapshot: StoreSnapshot
  ) throws(StoreError) -> Int {
    let count: Int
    do {
      count = try Overflow.read(reference, at: offset, into: bytes, pager: pager)
    } catch {
      throw registry.isLive(snapshot) ? .tree(error) : failure(of: snapshot)
    }
    guard registry.isLive(snapshot) else { throw failure(of: snapshot) }
    return count
  }

  /// Copies bytes of a large value that the caller has written and not yet committed.
  package func readPrivateOverflow(
    _ reference: OverflowReference, at offset: UInt64, into bytes: MutableByteView
  ) throws(StoreError) -> Int {
    do {
      return try Overflow.read(reference, at: offset, into: bytes, pager: pager)
    } catch {
      throw .tree(error)
    }
  }
}
