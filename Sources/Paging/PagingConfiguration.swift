/// How page images are stored.
package enum Compression: Sendable, Equatable { case none, lz4 }

/// What whoever opens a page file chooses.
package struct PagingConfiguration: Sendable {
  /// A power of two from 4 to 64 KiB. Fixed at creation, ignored when opening.
  package var pageSize: Int
  /// Memory for pages. At least 64 frames are made.
  package var cacheByteCount: Int
  package var compression: Compression
  /// Whether images are read through the memory that the system has for files. Runs never are
  /// written through it, and long scans always read ahead with its help.
  package var usesSystemCache: Bool

  package init(
    pageSize: Int = 16384, cacheByteCount: Int = 256 << 20, compression: Compression = .lz4,
    usesSystemCache: Bool = true
  ) {
    self.pageSize = pageSize
    self.cacheByteCount = cacheByteCount
    self.compression = compression
    self.usesSystemCache = usesSystemCache
  }

  /// Fewer frames than this are never made: the engine's threads each need a handful at once.
  package static let minimumFrameCount = 64

  /// Whether the format knows this page size.
  package static func isPageSize(_ byteCount: Int) -> Bool {
    byteCount >= 4096 && byteCount <= 65536 && byteCount & (byteCount - 1) == 0
  }
}
