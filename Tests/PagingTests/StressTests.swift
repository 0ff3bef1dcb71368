import Environment
import Foundation
import Paging
import Primitives
import RawBytes
import Seeds
import Simulation
import Synchronization
import SystemEnvironment
import Testing

/// Real threads on real memory: four of them on the smallest cache, with checkpoints and evictions
/// under way all the time.
@Suite struct `Under stress` {
  private static let threadCount = 4

  /// Pages come in pairs that always change together under both latches, so a reader or a
  /// checkpoint that sees one without the other shows.
  private func stress(_ effects: Effects, _ pager: Pager, seed: UInt64, rounds: Int) throws {
    let ids = try (0..<400).map { _ in try pager.make(0) }
    let failures = Mutex<[String]>([])
    let gate = RWGate()
    let threads = (0..<Self.threadCount).map { number in
      effects.background.start("stress \(number)") {
        var random = SeededGenerator(seed: seed &+ UInt64(number))
        do throws(PagingError) {
          for _ in 0..<rounds {
            let left = 2 * random.below(ids.count / 2)
            switch random.below(8) {
            case 0...3:
              let value = try Self.readPair(pager, ids[left], ids[left + 1])
              if value == nil { failures.withLock { $0.append("torn pair") } }
            case 4...5:
              try Self.writePair(pager, ids[left], ids[left + 1], random.next() >> 1, gate)
            case 6:
              var reservation = try pager.reserve(frames: 10)
              let page = pager.allocate(from: &reservation)
              Pager.fill(page.bytes, 1)
              pager.free(page)
            default:
              let shared = try pager.shared(ids[left])
              if Pager.value(shared.bytes) == nil { failures.withLock { $0.append("torn page") } }
            }
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    for _ in 0..<6 {
      let captured = gate.closed {
        pager.captureCheckpoint(ownerState: [], timestamp: .zero, rootTable: [])
      }
      for left in stride(from: 0, to: 40, by: 2) {
        try Self.writePair(pager, ids[left], ids[left + 1], UInt64(left), gate)
      }
      try pager.write(captured)
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    #expect(try pager.findings().isEmpty)
  }

  private static func readPair(
    _ pager: Pager, _ left: PageID, _ right: PageID
  ) throws(PagingError) -> UInt64? {
    #if MARTLET_SHARED_LATCHES
      let first = try pager.shared(left)
      // A second latch is taken without waiting for a frame: in memory, or look again.
      guard let second = pager.optimisticIfResident(right), let page = pager.upgrade(second) else {
        return 0
      }
      let one = Pager.value(first.bytes)
      return one == Pager.value(page.bytes.view) ? one : nil
    #else
      return try readPairOptimistically(pager, left, right)
    #endif
  }

  private static func readPairOptimistically(
    _ pager: Pager, _ left: PageID, _ right: PageID
  ) throws(PagingError) -> UInt64? {
    while true {
      let first = try pager.optimistic(left)
      let one = Pager.value(first.bytes)
      let second = try pager.optimistic(right)
      let other = Pager.value(second.bytes)
      guard pager.isValid(second), pager.isValid(first) else { continue }
      return one == other ? one : nil
    }
  }

  private static func writePair(
    _ pager: Pager, _ left: PageID, _ right: PageID, _ value: UInt64, _ gate: RWGate
  ) throws(PagingError) {
    while true {
      // Both in memory first: no wait for a frame under a latch, nor inside the gate.
      _ = try pager.optimistic(right)
      let page = try pager.optimistic(left)
      gate.enter()
      defer { gate.leave() }
      guard let first = pager.upgrade(page) else { continue }
      guard let second = pager.exclusiveIfResident(right) else { continue }
      pager.willModify(first)
      pager.willModify(second)
      Pager.fill(first.bytes, value)
      Pager.fill(second.bytes, value)
      return
    }
  }

  /// Stops changes for the moment of a capture.
  private final class RWGate: Sendable {
    private let word = Atomic<Int>(0)
    private static let closedBit = 1 << 32

    func enter() {
      while true {
        let old = word.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
        if old & Self.closedBit == 0 { return }
        leave()
        Processor.pause()
      }
    }

    func leave() { word.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

    func closed<Result: ~Copyable>(_ body: () -> Result) -> Result {
      word.wrappingAdd(Self.closedBit, ordering: .acquiringAndReleasing)
      while word.load(ordering: .acquiring) != Self.closedBit { Processor.pause() }
      let result = body()
      word.wrappingSubtract(Self.closedBit, ordering: .acquiringAndReleasing)
      return result
    }
  }

  @Test func `four threads on 64 frames see whole pages and whole pairs`() throws {
    try stressAndReopen(.memory(), at: Pages.path, frames: 64, pageSize: 4096)
  }

  /// Direct I/O, holes and truncations of a real file system.
  ///
  /// Its first runs lost updates: a page that the background writer had copied was changed and
  /// copied again for the same run, and the settled run took the first copy for the newest, because
  /// a mere bit said "copied". Memory files are too fast to show it.
  @Test func `the same on real files`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "martlet-pages-\(UInt64.random(in: 0...UInt64.max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try stressAndReopen(
      .system(), at: folder.appending(path: "pages").path, frames: 96, pageSize: 16384)
  }

  private func stressAndReopen(
    _ effects: Effects, at path: String, frames: Int, pageSize: Int
  ) throws {
    let seed = Seed.take(for: #function)
    let configuration = Pages.small(pageSize: pageSize, frames: frames)
    let pager = try Pages.create(effects, configuration, at: path)
    // On a machine with much other work the threads may hardly meet: then once more.
    var turn: UInt64 = 0
    repeat {
      try stress(effects, pager, seed: seed &+ turn, rounds: 4_000)
      turn += 1
    } while turn < 5 && pager.statistics.handOvers == 0
    let statistics = pager.statistics
    #expect(statistics.dirtyEvictions > 0 && statistics.handOvers > 0)
    try pager.checkpoint()
    pager.close()
    let (again, _) = try Pages.open(effects, configuration, at: path)
    defer { again.close() }
    let ids = Array(again.mappedPages)
    #expect(ids.count == 400 * Int(turn))
    for index in stride(from: 0, to: ids.count, by: 2) {
      #expect(try again.value(ids[index]) == again.value(ids[index + 1]))
    }
  }

  /// Many interleavings of the same work at every seam call.
  @Test func `the same in simulated worlds`() throws {
    let seed = Seed.take(for: #function)
    for world in 0..<8 {
      let simulator = Simulator(seed: seed &+ UInt64(world))
      try simulator.run { effects in
        let pager = try Pages.create(effects)
        defer { pager.close() }
        var random = SeededGenerator(seed: seed &+ UInt64(world))
        let ids = try (0..<150).map { _ in try pager.make(0) }
        let failures = Mutex<[String]>([])
        let threads = (0..<3).map { number in
          let start = random.next()
          return effects.background.start("worker \(number)") {
            var random = SeededGenerator(seed: start)
            do throws(PagingError) {
              for _ in 0..<150 {
                let id = ids[random.below(ids.count)]
                if random.oneIn(2) {
                  try pager.set(id, to: random.next() >> 1)
                } else {
                  _ = try pager.value(id)
                }
              }
            } catch {
              failures.withLock { $0.append("\(error)") }
            }
          }
        }
        for thread in threads { thread.join() }
        try pager.checkpoint()
        #expect(failures.withLock { $0 } == [])
        #expect(try pager.findings().isEmpty)
      }
    }
  }
}
