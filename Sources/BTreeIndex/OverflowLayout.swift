import Primitives
import RawBytes

/// Where the fields of overflow pages lie, and how many pages a value takes:
/// format-spec/overflow-value.md.
///
/// ```
/// data page:   │ page prefix 8 │ byte count 4 │ ordinal 4 │ bytes of the value … │ zeros │
/// index page:  │ page prefix 8 │ child count 4 │ level 4  │ page ids, 4 each …   │ zeros │
/// ```
package struct OverflowLayout: BitwiseCopyable, Sendable {
  package static var count: Int { 8 }
  package static var ordinalOrLevel: Int { 12 }
  package static var headerByteCount: Int { 16 }

  package let pageSize: Int

  package init(pageSize: Int) { self.pageSize = pageSize }

  /// Bytes of the value in a full data page.
  package var dataByteCount: Int { pageSize - Self.headerByteCount }
  /// Page ids in a full index page.
  package var fanout: Int { (pageSize - Self.headerByteCount) / 4 }

  package func dataPageCount(_ byteCount: UInt64) -> Int {
    Int((byteCount + UInt64(dataByteCount) - 1) / UInt64(dataByteCount))
  }

  /// How many levels of index pages a value of that many data pages is written with.
  package func indexLevels(dataPageCount: Int) -> Int {
    var levels = 0
    var reach = 1
    while reach < dataPageCount {
      reach *= fanout
      levels += 1
    }
    return levels
  }

  /// How many data pages one child of an index page at `level` leads to.
  package func span(ofChildAt level: Int) -> Int {
    var span = 1
    for _ in 1..<Swift.max(level, 1) { span *= fanout }
    return span
  }

  /// With this many levels of index pages a value reaches every page id there is.
  package static var maximumLevel: Int { 4 }

  static func corruption(_ id: PageID, _ expected: String, _ found: String) -> CorruptionError {
    CorruptionError(location: "page \(id.rawValue)", expected: expected, found: found)
  }
}
