import Paging
import Seeds
import Simulation
import Testing

@Suite struct `Free space` {
  @Test func `begins behind the superblocks`() {
    var space = FreeSpace(blockCount: 0)
    #expect(space.blockCount == 4 && space.freeBlockCount == 0)
    #expect(space.allocateRun(wanted: 3, minimum: 1) == 4..<7)
  }

  @Test func `gives a longer stretch before a shorter one, and a short one before it grows`() {
    var space = FreeSpace(blockCount: 100)
    space.hold(4..<100)
    space.letGo(10..<12)
    space.letGo(20..<50)
    #expect(space.allocateRun(wanted: 20, minimum: 1) == 20..<40)
    #expect(space.allocateRun(wanted: 20, minimum: 1) == 40..<50)
    #expect(space.allocateRun(wanted: 20, minimum: 1) == 10..<12)
    #expect(space.allocateRun(wanted: 20, minimum: 1) == 100..<120)
  }

  @Test func `gives blocks that the volume backs before others, and begins anew when told`() {
    var space = FreeSpace(blockCount: 40)
    space.setBacked(30..<35, true)
    #expect(space.allocateRun(wanted: 3, minimum: 1) == 30..<33)
    #expect(space.allocateRun(wanted: 3, minimum: 3) == 33..<36)
    #expect(space.allocateRun(wanted: 2, minimum: 1) == 36..<38)
    space.rewind()
    #expect(space.allocateRun(wanted: 2, minimum: 1) == 4..<6)
  }

  @Test func `frees a block when the last image in it is released`() {
    var space = FreeSpace(blockCount: 8)
    let first = Place(start: 32, unitCount: 5)
    let second = Place(start: 37, unitCount: 11)
    space.retain(first)
    space.retain(second)
    space.release(first)
    #expect(!space.isFree(4) && !space.isFree(5) && space.freeBlockCount == 2)
    space.release(second)
    #expect(space.isFree(4) && space.isFree(5) && space.freeBlockCount == 4)
  }

  @Test func `refuses a map in which too many images share a block, or that leaves the file`() {
    var tally = BlockTally(blockCount: 8)
    let place = Place(start: 40, unitCount: 1)
    var count = 0
    while tally.add(place) { count += 1 }
    #expect(count >= 9 && count < 127)
    var other = BlockTally(blockCount: 8)
    let inside = other.add(Place(start: 63, unitCount: 1))
    let beyond = other.add(Place(start: 63, unitCount: 2))
    #expect(inside && !beyond)
  }

  @Test func `counted by a tally is what it is when retained one by one`() {
    var random = SeededGenerator(seed: Seed.take(for: #function))
    let blockCount = 3_000
    var tally = BlockTally(blockCount: blockCount)
    var space = FreeSpace(blockCount: blockCount)
    var places: [Place] = []
    var start = 32
    while start < 8 * blockCount - 40 {
      let place = Place(start: start, unitCount: 1 + random.below(32))
      start = place.end + (random.oneIn(4) ? random.below(2_000) : 0)
      if place.end > 8 * blockCount { break }
      places.append(place)
      space.retain(place)
      let isAdded = tally.add(place)
      #expect(isAdded)
    }
    var counted = FreeSpace(tally)
    func expectEqual(_ one: FreeSpace, _ other: FreeSpace) {
      #expect(one.freeBlockCount == other.freeBlockCount)
      #expect(one.backedFreeBlockCount == other.backedFreeBlockCount)
      for block in 0..<blockCount {
        #expect(one.referenceCount(block) == other.referenceCount(block))
        #expect(one.isBacked(block) == other.isBacked(block))
      }
    }
    expectEqual(space, counted)
    for place in places.shuffled(using: &random) {
      space.release(place)
      counted.release(place)
    }
    expectEqual(space, counted)
    #expect(counted.freeBlockCount == blockCount - FreeSpace.reservedBlockCount)
  }

  @Test func `cuts its free tail and knows what the volume backs`() {
    var space = FreeSpace(blockCount: 40)
    space.hold(4..<20)
    #expect(space.freeTail == 20..<40)
    space.setBacked(25..<35, true)
    #expect(space.backedFreeBlockCount == 10)
    #expect(space.freeStretch(from: 0, backed: true, minimum: 4) == 25..<35)
    #expect(space.freeStretch(from: 0, backed: false, minimum: 5) == 20..<25)
    #expect(space.freeStretch(from: 0, backed: false, minimum: 6) == nil)
    space.shrink(to: 30)
    #expect(space.blockCount == 30 && space.backedFreeBlockCount == 5)
    #expect(space.freeBlockCount == 10)
  }

  /// Against a plain array of counts.
  @Test func `agrees with a model under random runs, images and cuts`() {
    var random = SeededGenerator(seed: Seed.take(for: #function))
    var space = FreeSpace(blockCount: 4)
    var counts = [Int](repeating: 1, count: 4)
    var backed = [Bool](repeating: true, count: 4)
    var held: [Range<Int>] = []
    func change(_ blocks: Range<Int>, by amount: Int) {
      for block in blocks {
        if counts[block] == 0 { backed[block] = true }
        counts[block] += amount
      }
    }
    for _ in 0..<3_000 {
      switch random.below(6) {
      case 0, 1:
        let wanted = 1 + random.below(40)
        let minimum = 1 + random.below(wanted)
        let run = space.allocateRun(wanted: wanted, minimum: minimum)
        #expect(run.count >= minimum && run.count <= wanted)
        while counts.count < run.upperBound {
          counts.append(0)
          backed.append(false)
        }
        #expect(run.allSatisfy { counts[$0] == 0 })
        change(run, by: 1)
        held.append(run)
      case 2, 3:
        guard !held.isEmpty else { continue }
        let run = held.remove(at: random.below(held.count))
        space.letGo(run)
        for block in run { counts[block] -= 1 }
      case 4:
        let tail = space.freeTail
        let keep = tail.lowerBound + random.below(tail.count + 1)
        space.shrink(to: keep)
        counts.removeLast(counts.count - keep)
        backed.removeLast(backed.count - keep)
      default:
        let start = random.below(counts.count)
        let range = start..<min(counts.count, start + random.below(30))
        let value = random.oneIn(2)
        space.setBacked(range, value)
        for block in range where counts[block] == 0 { backed[block] = value }
      }
      #expect(space.blockCount == counts.count)
      #expect(space.freeBlockCount == counts.filter { $0 == 0 }.count)
      let backedFree = counts.indices.filter { counts[$0] == 0 && backed[$0] }.count
      #expect(space.backedFreeBlockCount == backedFree)
    }
    for block in counts.indices { #expect(space.referenceCount(block) == counts[block]) }
  }
}
