import Foundation
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Holds what the system caches of a folder's files within a budget, from a thread of its own.
///
/// Where data does not fit in memory, an engine that has the system cache its data (LMDB, SQLite) must
/// not have all of the machine's memory while others have a cache of a fixed size; and an engine with
/// a cache of its own must not have its data twice. A memory controller would do it, where one may be
/// used; this does it for anyone: every few milliseconds the kernel is asked how much it caches
/// (`cachestat`, Linux 6.5), and when that is too much a hand moves over the files and lets go of what
/// it passes, mapped pages too.
///
/// Letting go can take long on a busy machine, in which an engine that reads ahead would fill memory
/// again: readers wait at a gate meanwhile, and their clock stands still.
///
/// What remains unlike a real limit: pages leave in the order of the hand and not of their last use, so
/// that an inner page of a tree is read again once a round, and the budget may be exceeded for some
/// milliseconds. Both are small against a device that is asked for seven of eight reads. The report
/// says what was cached on average.
final class PageCacheWarden: Sendable {
  private static let interval = Duration.milliseconds(2)
  /// Where the system shall keep nothing, looking less often will do.
  private static let longInterval = Duration.milliseconds(10)
  /// The parts of a file; one is let go at a time. Few, since each call may wait for all processors.
  private static let strides = 8

  private let directory: String
  private let budget: Int
  /// Where readers wait while much is let go.
  let gate = Gate()
  private let isStopped = Atomic<Bool>(false)
  /// What was cached at each look, added up, and the number of looks.
  private let seen = Mutex<(byteCount: Int, looks: Int)>((0, 0))
  private let thread = Mutex<Thread?>(nil)
  private struct Thread: @unchecked Sendable {
    // SENDABLE: handed over under a lock, and joined by whoever took it out.
    let joinable: JoinableThread
  }

  /// Whether the system tells how much it caches; without that nothing can be held within bounds.
  static func isPossible(in directory: String) -> Bool {
    let path = "\(directory)/.warden"
    guard FileManager.default.createFile(atPath: path, contents: Data("x".utf8)) else {
      return false
    }
    defer { try? FileManager.default.removeItem(atPath: path) }
    guard let file = PageCache.OpenFile(path: path) else { return false }
    return file.cachedByteCount != nil
  }

  /// - Parameter budget: bytes; at zero the system keeps nothing for longer than an interval.
  init(directory: String, budget: Int) {
    self.directory = directory
    self.budget = budget
    let started = Thread(joinable: JoinableThread { [self] in watch() })
    thread.withLock { $0 = started }
  }

  /// Ends the watch.
  /// - Returns: the bytes that were cached, on average over time.
  func stop() -> Int {
    isStopped.store(true, ordering: .relaxed)
    let taken = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    taken?.joinable.join()
    let seen = seen.withLock { $0 }
    return seen.byteCount / max(seen.looks, 1)
  }

  private func watch() {
    var hand = Hand()
    while !isStopped.load(ordering: .relaxed) {
      sweep(&hand)
      usleep(UInt32((budget == 0 ? Self.longInterval : Self.interval) / .microseconds(1)))
    }
  }

  /// Where the hand is: in which file by name, at which byte.
  private struct Hand {
    var path = ""
    var offset = 0
    var mappings: [String: FileMapping] = [:]
  }

  private func sweep(_ hand: inout Hand) {
    let paths = PageCache.paths(in: directory)
    let cached = PageCache.cachedByteCount(of: paths)
    seen.withLock { $0 = ($0.byteCount + cached, $0.looks + 1) }
    if budget == 0 {
      for path in paths {
        guard let file = PageCache.OpenFile(path: path) else { continue }
        file.drop(0..<file.byteCount)
      }
      return
    }
    guard cached > budget else { return }
    gate.close {
      // Some room is made at once, so that the average, and not the least, is the budget.
      let wanted = budget - budget / 8
      var steps = paths.count * Self.strides
      while steps > 0, PageCache.cachedByteCount(of: paths) > wanted {
        steps -= advance(&hand, over: paths)
      }
    }
  }

  /// Lets go of a stretch of the file at the hand and moves on.
  /// - Returns: how many stretches are passed, at least one.
  private func advance(_ hand: inout Hand, over paths: [String]) -> Int {
    let place = paths.firstIndex { $0 >= hand.path } ?? 0
    if paths[place] != hand.path { hand.offset = 0 }
    hand.path = paths[place]
    guard let file = PageCache.OpenFile(path: hand.path) else {
      hand.path += "/"
      return Self.strides
    }
    let stretch = max(file.byteCount / Self.strides, 1 << 20)
    let end = min(hand.offset + stretch, file.byteCount)
    if hand.mappings[hand.path] == nil { hand.mappings[hand.path] = FileMapping(of: hand.path) }
    hand.mappings[hand.path]?.unmap(hand.offset..<end)
    file.drop(hand.offset..<end)
    hand.offset = end
    if end == file.byteCount {
      // The next name in order is that of the next file.
      hand.path += "/"
      hand.offset = 0
    }
    return 1
  }
}

/// Where a file is mapped in this process.
private struct FileMapping {
  private let address: UInt
  private let byteCount: Int

  /// Nil when it is not mapped. `/proc/self/maps` is `from-to rights offset device inode path`.
  init?(of path: String) {
    let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
    for line in maps.split(separator: "\n") where line.hasSuffix(path) {
      let fields = line.split(separator: " ", omittingEmptySubsequences: true)
      let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      guard fields.count > 2, bounds.count == 2, fields[1].hasSuffix("s"),
        Int(fields[2], radix: 16) == 0
      else { continue }
      address = bounds[0]
      byteCount = Int(bounds[1] - bounds[0])
      return
    }
    return nil
  }

  /// Forgets which pages are mapped: the next access finds them in the system's cache or reads them.
  ///
  /// SAFETY: the mapping is shared, of a file, so that nothing is lost; and whoever mapped it keeps it
  /// as long as the watch lasts (LMDB its map, SQLite the index of its log).
  func unmap(_ bytes: Range<Int>) {
    let range = bytes.clamped(to: 0..<byteCount)
    let unit = Int(getpagesize())
    let begin = range.lowerBound / unit * unit
    guard range.upperBound > begin,
      let pointer = unsafe UnsafeMutableRawPointer(bitPattern: address + UInt(begin))
    else { return }
    #if os(Linux)
      _ = unsafe madvise(pointer, range.upperBound - begin, Int32(MADV_DONTNEED))
    #endif
  }
}
