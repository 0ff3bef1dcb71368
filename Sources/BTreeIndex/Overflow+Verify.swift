import Paging
import Primitives
import RawBytes

extension Overflow {
  /// Checks a page of a large value by itself: part of `Tree.verify`. `ordinal` is -1 for an index
  /// page.
  static func check(
    _ id: PageID, ordinal: Int, expected: Int, pager: Pager
  ) throws(TreeError) {
    while true {
      let page = try pager.read(id)
      guard let reading = try NodeReading(page, pager) else { continue }
      let fault =
        ordinal < 0
        ? indexFault(reading.bytes) : dataFault(reading.bytes, ordinal: ordinal, expected: expected)
      guard pager.isValid(page) else { continue }
      if let fault {
        throw .corrupt(
          OverflowLayout.corruption(
            id, ordinal < 0 ? "an index page of a large value" : "data page \(ordinal)", fault))
      }
      return
    }
  }

  private static func dataFault(_ bytes: ByteView, ordinal: Int, expected: Int) -> String? {
    let count = Int(bytes.load(UInt32.self, at: OverflowLayout.count))
    let found = bytes.load(UInt32.self, at: OverflowLayout.ordinalOrLevel)
    guard bytes[0] == PageKind.overflowData.rawValue else { return "a page of kind \(bytes[0])" }
    guard found == UInt32(truncatingIfNeeded: ordinal) else { return "data page \(found)" }
    guard count == expected else { return "\(count) bytes in the place of \(expected)" }
    return hasZeroPrefix(bytes) && isZero(bytes, from: OverflowLayout.headerByteCount + count)
      ? nil : "bytes beside the value that are not zero"
  }

  private static func indexFault(_ bytes: ByteView) -> String? {
    let count = Int(bytes.load(UInt32.self, at: OverflowLayout.count))
    guard bytes[0] == PageKind.overflowIndex.rawValue else { return "a page of kind \(bytes[0])" }
    guard (1...OverflowLayout(pageSize: bytes.count).fanout).contains(count) else {
      return "\(count) page ids"
    }
    return hasZeroPrefix(bytes) && isZero(bytes, from: OverflowLayout.headerByteCount + 4 * count)
      ? nil : "bytes beside the page ids that are not zero"
  }

  /// Flags and reserved bytes that every page begins with.
  private static func hasZeroPrefix(_ bytes: ByteView) -> Bool {
    bytes[NodeLayout.flags] == 0 && bytes.load(UInt16.self, at: NodeLayout.reserved) == 0
  }

  private static func isZero(_ bytes: ByteView, from offset: Int) -> Bool {
    (offset..<bytes.count).allSatisfy { bytes[$0] == 0 }
  }
}
