import BTreeIndex
import Paging
import Primitives
import RawBytes
import Seeds
import Synchronization
import Testing

/// Threads on one tree in a cache of 64 frames, so that pages come and go under them.
@Suite(.serialized) struct ConcurrencyTests {
  private static let smallCache = 64 * 4096

  /// The value of key `number` as thread `writer` wrote it in `round`: it tells on itself.
  private static func value(_ number: Int, _ writer: Int, _ round: Int) -> [UInt8] {
    let count = 20 + (number * 7 + round * 13) % 150
    return key(number) + key(writer) + key(round)
      + [UInt8](repeating: UInt8(truncatingIfNeeded: number ^ round), count: count)
  }

  private static func isWhole(_ key: [UInt8], _ value: [UInt8]) -> Bool {
    guard value.count >= 24 else { return false }
    func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
    return value
      == Self.value(
        number(value[0..<8]), number(value[8..<16]), number(value[16..<24]))
      && BTreeIndexTests.key(number(value[0..<8])) == key
  }

  @Test func `four writers of disjoint keys and readers of all see whole values only`() throws {
    let statistics = TreeStatistics()
    let tree = try makeTree(cacheByteCount: Self.smallCache, statistics: statistics)
    let keyCount = 4_000
    let rounds = operationCount(debug: 2, release: 20)
    let failures = Mutex<[String]>([])
    let isDone = Atomic<Int>(0)
    @Sendable func report(_ text: String) { failures.withLock { $0.append(text) } }

    let writers: [@Sendable () -> Void] = (0..<2).map { writer in
      {
        do {
          var random = SplitMix(UInt64(writer))
          for round in 0..<rounds {
            let mine = (0..<keyCount).filter { $0 % 2 == writer }.shuffled(using: &random)
            for number in mine {
              try tree.put(key(number), Self.value(number, writer, round))
            }
            for number in mine where number % 3 == round % 3 {
              guard try tree.remove(key(number)) else {
                report("key \(number) was lost")
                continue
              }
              _ = try key(number).withByteView { name throws(TreeError) in
                try tree.purgeTombstones(around: name, olderThan: .zero)
              }
            }
          }
        } catch { report("writer: \(error)") }
        isDone.wrappingAdd(1, ordering: .sequentiallyConsistent)
      }
    }
    let pointReader: @Sendable () -> Void = {
      do {
        var random = SplitMix(77)
        while isDone.load(ordering: .acquiring) < 2 {
          let name = key(Int.random(in: 0..<keyCount, using: &random))
          if let found = try tree.get(name), !Self.isWhole(name, found.value) {
            report("torn value of \(name)")
          }
        }
      } catch { report("reader: \(error)") }
    }
    let scanner: @Sendable () -> Void = {
      do {
        var cursor = tree.makeReadCursor()
        while isDone.load(ordering: .acquiring) < 2 {
          var last: [UInt8]?
          var isMore = try cursor.seekFirst()
          while isMore {
            let name = cursor.key.array
            if let last, !precedes(last, name) { report("forward: \(name) after \(last)") }
            if !Self.isWhole(name, cursor.entry.value.array) { report("torn \(name)") }
            last = name
            isMore = try cursor.next()
          }
          last = nil
          isMore = try cursor.seekLast()
          while isMore {
            let name = cursor.key.array
            if let last, !precedes(name, last) { report("backward: \(name) after \(last)") }
            last = name
            isMore = try cursor.previous()
          }
        }
      } catch { report("scanner: \(error)") }
    }
    concurrently(writers + [pointReader, scanner])
    #expect(failures.withLock { $0 } == [])
    let left = try tree.contents().map(\.key)
    let expected = (0..<keyCount).filter { $0 % 3 != (rounds - 1) % 3 }.map { key($0) }
    #expect(left == expected)
    try tree.expectSound()
    #expect(statistics.splitCount > 0)
    #expect(statistics.mergeCount > 0)
  }

  @Test func `keys that nobody touches are never missed by scans during splits and merges`() throws
  {
    let tree = try makeTree(cacheByteCount: Self.smallCache)
    let fixed = stride(from: 0, to: 20_000, by: 100).map { key($0) }
    for name in fixed { try tree.put(name, Self.value(0, 0, 0)) }
    let failures = Mutex<[String]>([])
    let isDone = Atomic<Int>(0)
    let rounds = operationCount(debug: 2, release: 15)
    let writers: [@Sendable () -> Void] = (0..<2).map { writer in
      {
        do {
          for _ in 0..<rounds {
            for number in 0..<10_000 where number % 50 != 0 {
              try tree.put(key(number * 2 + writer), Self.value(number, writer, 1))
            }
            for number in 0..<10_000 where number % 50 != 0 {
              _ = try tree.remove(key(number * 2 + writer))
              if number % 40 == 1 {
                _ = try key(number * 2).withByteView { name throws(TreeError) in
                  try tree.purgeTombstones(around: name, olderThan: .zero)
                }
              }
            }
          }
        } catch { failures.withLock { $0.append("\(error)") } }
        isDone.wrappingAdd(1, ordering: .sequentiallyConsistent)
      }
    }
    let scanners: [@Sendable () -> Void] = [true, false].map { isForward in
      {
        do {
          var cursor = tree.makeReadCursor()
          while isDone.load(ordering: .acquiring) < 2 {
            var seen: [[UInt8]] = []
            var isMore = isForward ? try cursor.seekFirst() : try cursor.seekLast()
            while isMore {
              let name = cursor.key.array
              // Multiples of 100 are never written by the writers.
              if name.reduce(0, { $0 << 8 | Int($1) }) % 100 == 0 { seen.append(name) }
              isMore = isForward ? try cursor.next() : try cursor.previous()
            }
            if seen != (isForward ? fixed : fixed.reversed()) {
              failures.withLock { $0.append("a scan saw \(seen.count) of \(fixed.count)") }
            }
          }
        } catch { failures.withLock { $0.append("\(error)") } }
      }
    }
    concurrently(writers + scanners)
    #expect(failures.withLock { $0 } == [])
    try tree.expectSound()
  }

  @Test func `writers of the same keys leave one of their values`() throws {
    let tree = try makeTree(cacheByteCount: Self.smallCache)
    let failures = Mutex<[String]>([])
    let count = operationCount(debug: 1_500, release: 50_000)
    concurrently(
      (0..<4).map { writer in
        {
          do {
            var random = SplitMix(UInt64(writer))
            var cursor = tree.makeWriteCursor()
            for round in 0..<count {
              // Short ascending runs, each with one cursor.
              let start = Int.random(in: 0..<500, using: &random)
              for number in start..<start + 5 {
                try key(number).withByteView { name throws(TreeError) in
                  if let old = try cursor.seek(name), !Self.isWhole(name.array, old.value.array) {
                    failures.withLock { $0.append("torn \(number)") }
                  }
                  try Self.value(number, writer, round).withByteView { value throws(TreeError) in
                    try cursor.put(name, timestamp: Timestamp(1), flags: [], value: value)
                  }
                }
              }
              cursor.release()
            }
          } catch { failures.withLock { $0.append("\(error)") } }
        }
      })
    #expect(failures.withLock { $0 } == [])
    for (name, value) in try tree.contents() { #expect(Self.isWhole(name, value.value)) }
    try tree.expectSound()
  }

  @Test func `verification finds nothing while writers are at work`() throws {
    let tree = try makeTree(cacheByteCount: Self.smallCache)
    let failures = Mutex<[String]>([])
    let isDone = Atomic<Bool>(false)
    let rounds = operationCount(debug: 2, release: 20)
    concurrently([
      {
        do {
          for round in 0..<rounds {
            for number in 0..<3_000 { try tree.put(key(number), Self.value(number, 0, round)) }
            for number in 0..<3_000 where number % 5 > 0 {
              _ = try tree.remove(key(number))
              _ = try key(number).withByteView { name throws(TreeError) in
                try tree.purgeTombstones(around: name, olderThan: .zero)
              }
            }
          }
        } catch { failures.withLock { $0.append("\(error)") } }
        isDone.store(true, ordering: .releasing)
      },
      {
        do {
          while !isDone.load(ordering: .acquiring) {
            try tree.verify(
              visit: { _ in }, report: { found in failures.withLock { $0.append("\(found)") } })
          }
        } catch { failures.withLock { $0.append("\(error)") } }
      },
    ])
    #expect(failures.withLock { $0 } == [])
    try tree.expectSound()
  }
}
