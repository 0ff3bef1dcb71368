import BTreeIndex
import Environment
import Foundation
import Paging
import Primitives
import RawBytes
import SystemEnvironment
import Testing

/// How much a random test does: MARTLET_OPERATIONS, or a default for the build.
func operationCount(debug: Int, release: Int) -> Int {
  if let text = ProcessInfo.processInfo.environment["MARTLET_OPERATIONS"], let count = Int(text) {
    return count
  }
  #if DEBUG
    return debug
  #else
    return release
  #endif
}

/// A tree in a pager in memory.
func makeTree(
  pageSize: Int = 4096, cacheByteCount: Int = 8 << 20, statistics: TreeStatistics? = nil
) throws -> Tree {
  var root = PageID.none
  let pager = try Pager.create(
    path: "/pages",
    configuration: PagingConfiguration(
      pageSize: pageSize, cacheByteCount: cacheByteCount, compression: .lz4),
    id: DatabaseID(high: 1, low: 2), ownerState: [], timestamp: Timestamp(1),
    effects: .memory()
  ) { (pager) throws(PagingError) -> [UInt8] in
    do throws(TreeError) {
      root = try Tree.create(in: pager).root
    } catch {
      guard case .paging(let cause) = error else { return [] }
      throw cause
    }
    return []
  }
  return Tree(pager: pager, root: root, statistics: statistics)
}

/// What an entry should be.
struct Expected: Equatable {
  var timestamp: UInt64
  var flags: EntryFlags
  var value: [UInt8]
}

extension Tree {
  func put(
    _ key: [UInt8], _ value: [UInt8], timestamp: UInt64 = 1, flags: EntryFlags = []
  ) throws(TreeError) {
    var cursor = makeWriteCursor()
    try key.withByteView { key throws(TreeError) in
      try value.withByteView { value throws(TreeError) in
        _ = try cursor.seek(key)
        try cursor.put(key, timestamp: Timestamp(timestamp), flags: flags, value: value)
      }
    }
  }

  func get(_ key: [UInt8]) throws(TreeError) -> Expected? {
    var scratch = ByteBuffer()
    scratch.append(zeros: 3)
    let found = try key.withByteView { key throws(TreeError) in
      try find(key, appendingValueTo: &scratch)
    }
    return found.map {
      Expected(
        timestamp: $0.timestamp.rawValue, flags: $0.flags,
        value: scratch.view[$0.valueRange].array)
    }
  }

  /// Removes an entry; false when there is none.
  func remove(_ key: [UInt8]) throws(TreeError) -> Bool {
    var cursor = makeWriteCursor()
    return try key.withByteView { key throws(TreeError) -> Bool in
      guard try cursor.seek(key) != nil else { return false }
      try cursor.erase()
      return true
    }
  }

  /// Everything, by a cursor from the front.
  func contents() throws(TreeError) -> [(key: [UInt8], value: Expected)] {
    var all: [(key: [UInt8], value: Expected)] = []
    var cursor = makeReadCursor()
    var isMore = try cursor.seekFirst()
    while isMore {
      all.append((cursor.key.array, Expected(cursor.entry)))
      isMore = try cursor.next()
    }
    return all
  }

  /// Verifies, expects no finding and every page of the pager visited once.
  @discardableResult
  func expectSound(
    ownsAllPages: Bool = true, isBeingDestroyed: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> TreeCensus {
    var visited: [PageID] = []
    var findings: [CorruptionError] = []
    let census = try verify(
      isBeingDestroyed: isBeingDestroyed, visit: { visited.append($0) },
      report: { findings.append($0) })
    #expect(findings == [], sourceLocation: sourceLocation)
    #expect(Set(visited).count == visited.count, sourceLocation: sourceLocation)
    if ownsAllPages {
      #expect(
        visited.sorted() == Array(pager.mappedPages).sorted(), sourceLocation: sourceLocation)
    }
    return census
  }
}

extension Expected {
  init(_ entry: Entry) {
    self.init(
      timestamp: entry.timestamp.rawValue, flags: entry.flags, value: entry.value.array)
  }
}

/// Bytewise order of arrays.
func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.lexicographicallyPrecedes(right)
}

/// A number as 8 bytes in order.
func key(_ number: Int) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
}

/// A number as text with leading zeros, behind a common prefix.
func textKey(_ number: Int, prefix: String = "user/") -> [UInt8] {
  let digits = String(number)
  return Array((prefix + String(repeating: "0", count: 10 - digits.count) + digits).utf8)
}

/// Runs bodies on threads of their own and waits for them.
func concurrently(_ bodies: [@Sendable () -> Void]) {
  let threads = bodies.enumerated().map { NativeThread(name: "test-\($0.offset)", $0.element) }
  for thread in threads { thread.join() }
}
