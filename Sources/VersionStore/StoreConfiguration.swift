package import Paging

/// How a version store is set up.
package struct StoreConfiguration: Sendable {
  /// Bytes of a page, fixed when the data file is made.
  package var pageSize: Int
  /// Bytes of page memory.
  package var cacheByteCount: Int
  /// How page images are stored.
  package var compression: Compression
  /// Whether the system may keep what is read of the data file.
  package var usesSystemCache: Bool
  /// Bytes of superseded versions that snapshots may hold back. At half of it the store reports
  /// who pins them, at all of it the oldest idle snapshot expires (V5).
  package var versionByteBudget: Int

  package init(
    pageSize: Int = 16384, cacheByteCount: Int = 256 << 20, compression: Compression = .lz4,
    usesSystemCache: Bool = true, versionByteBudget: Int = 64 << 20
  ) {
    self.pageSize = pageSize
    self.cacheByteCount = cacheByteCount
    self.compression = compression
    self.usesSystemCache = usesSystemCache
    self.versionByteBudget = versionByteBudget
  }

  var paging: PagingConfiguration {
    PagingConfiguration(
      pageSize: pageSize, cacheByteCount: cacheByteCount, compression: compression,
      usesSystemCache: usesSystemCache)
  }
}
