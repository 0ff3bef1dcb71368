package import Paging
package import Primitives
package import RawBytes

/// Reading and releasing large values.
///
/// A value's pages never change between its writer's `finish` and its release, so they are read
/// at any offset without a walk over what comes before.
///
/// - Invariant V1: data page n of a value holds its bytes from n x `dataByteCount` on and carries
///   the ordinal n; an index page at level l leads to children at level l - 1, data at 0.
package enum Overflow {
  /// Copies bytes of a value from `offset` on.
  ///
  /// - Returns: how many: fewer than asked only at the value's end.
  /// - Complexity: O(bytes + depth)
  package static func read(
    _ reference: OverflowReference, at offset: UInt64, into bytes: MutableByteView, pager: Pager
  ) throws(TreeError) -> Int {
    guard offset < reference.byteCount else { return 0 }
    let layout = OverflowLayout(pageSize: pager.pageSize)
    let total = Int(min(UInt64(bytes.count), reference.byteCount - offset))
    var walker = OverflowWalker(reference, pager: pager)
    var done = 0
    while done < total {
      let position = Int(offset) + done
      let ordinal = position / layout.dataByteCount
      let start = position % layout.dataByteCount
      let page = try walker.dataPage(ordinal)
      let count = min(layout.dataByteCount - start, total - done)
      try copyData(
        page, ordinal: ordinal, expected: walker.byteCount(ofDataPage: ordinal),
        from: start, into: bytes[done..<done + count], pager: pager)
      done += count
    }
    return total
  }

  /// Copies part of a data page after checking its header.
  private static func copyData(
    _ id: PageID, ordinal: Int, expected: Int, from start: Int, into target: MutableByteView,
    pager: Pager
  ) throws(TreeError) {
    let from = OverflowLayout.headerByteCount + start
    while true {
      let page = try pager.read(id)
      guard let reading = try NodeReading(page, pager) else { continue }
      let bytes = reading.bytes
      let isRight =
        bytes[0] == PageKind.overflowData.rawValue
        && Int(bytes.load(UInt32.self, at: OverflowLayout.count)) == expected
        && bytes.load(UInt32.self, at: OverflowLayout.ordinalOrLevel)
          == UInt32(truncatingIfNeeded: ordinal)
      target.copy(bytes[from..<from + target.count])
      guard pager.isValid(page) else { continue }
      guard isRight else {
        throw .corrupt(
          OverflowLayout.corruption(
            id, "data page \(ordinal) of a value with \(expected) bytes", "something else"))
      }
      return
    }
  }

  /// Names every page of a value: data pages in order, an index page after its children. Reads
  /// the index pages only.
  package static func forEachPage(
    _ reference: OverflowReference, pager: Pager, _ body: (PageID) throws(TreeError) -> Void
  ) throws(TreeError) {
    var walker = OverflowWalker(reference, pager: pager)
    try walker.forEachPage(from: 0) { (id, _) throws(TreeError) in try body(id) }
  }

  /// A commit refers to the value now: its pages belong to checkpoints from here on.
  package static func publish(
    _ reference: OverflowReference, pager: Pager
  ) throws(TreeError) {
    try forEachPage(reference, pager: pager) { id throws(TreeError) in
      pager.setVolatile(id, false)
    }
  }

  /// Only old snapshots refer to the value now: its pages are left out of checkpoints.
  package static func retire(
    _ reference: OverflowReference, pager: Pager
  ) throws(TreeError) {
    try forEachPage(reference, pager: pager) { id throws(TreeError) in
      pager.setVolatile(id, true)
    }
  }

  /// Frees the value's pages. Nobody refers to it, and nobody reads it.
  package static func free(
    _ reference: OverflowReference, pager: Pager
  ) throws(TreeError) {
    // All ids before the first page goes: an error in the middle frees nothing.
    var ids: [PageID] = []
    try forEachPage(reference, pager: pager) { id throws(TreeError) in ids.append(id) }
    for id in ids { pager.free(id) }
  }
}
