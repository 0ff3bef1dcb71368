internal import Synchronization

/// How often trees changed their shape. One object may serve all trees of a store.
package final class TreeStatistics: Sendable {
  private let splits = Atomic<Int>(0)
  private let merges = Atomic<Int>(0)

  package init() {}

  /// Nodes split, pushed-down roots among them.
  package var splitCount: Int { splits.load(ordering: .relaxed) }
  /// Nodes merged into a neighbour, pulled-up children of roots among them.
  package var mergeCount: Int { merges.load(ordering: .relaxed) }

  func countSplit() { splits.wrappingAdd(1, ordering: .relaxed) }
  func countMerge() { merges.wrappingAdd(1, ordering: .relaxed) }
}

/// What a walk over a whole tree counted.
package struct TreeCensus: Sendable, Equatable {
  package var entryCount = 0
  package var tombstoneCount = 0
  package var leafCount = 0
  package var innerCount = 0
  package var overflowPageCount = 0
  package var largeValueCount = 0
  /// Bytes of keys and values, large ones included, tombstones left out.
  package var contentByteCount: UInt64 = 0
  /// Levels from root to leaf.
  package var height = 0

  package init() {}
}
