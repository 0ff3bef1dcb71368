import ConcurrencyControl
import Foundation
import Primitives
import Seeds
import Testing

@Suite("Read sets")
struct ReadSetTests {
  private func name(_ keyspace: Int, _ key: Int) -> LockName {
    LockName(keyspace: KeyspaceID(UInt32(keyspace)), fingerprint: UInt64(key))
  }

  private func interval(_ keyspace: Int, _ lower: [UInt8], _ upper: [UInt8]?) -> KeyInterval {
    KeyInterval(keyspace: KeyspaceID(UInt32(keyspace)), lower: lower, upper: upper)
  }

  @Test func `a name counts once, however often it is noted`() {
    var reads = ReadSet()
    for round in 0..<3 {
      for key in 0..<100 {
        reads.note(name(1, key))
        reads.note(name(1, key))
      }
      #expect(reads.pointCount == 100, "round \(round)")
    }
    reads.removeAll()
    #expect(reads.isEmpty)
    #expect(!reads.covers(name(1, 5)))
  }

  @Test func `a cursor that moves on lengthens one interval`() {
    var reads = ReadSet()
    for end in 1...200 { reads.note(interval(1, [0], [UInt8(end)])) }
    #expect(reads.intervalCount == 1)
    #expect(!reads.isCoarse)
    reads.note(interval(1, [200], [210]))
    #expect(reads.intervalCount == 1)
    reads.note(interval(1, [220], [220]))
    #expect(reads.intervalCount == 1, "an empty interval counts")
    reads.note(interval(2, [0], nil))
    #expect(reads.intervalCount == 2)
  }

  @Test func `S12 too many points make their keyspace one interval, and it says so`() {
    var reads = ReadSet(pointLimit: 50)
    for key in 0..<20 { reads.note(name(1, key)) }
    for key in 0..<40 { reads.note(name(2, key)) }
    #expect(reads.pointCount == 20)
    #expect(reads.isCoarse)
    #expect(reads.covers(interval(2, [], nil)))
    #expect(!reads.covers(interval(1, [], nil)))
    for key in 0..<1_000 { reads.note(name(2, key)) }
    #expect(reads.pointCount == 20)
    #expect(reads.covers(name(2, 77)))
  }

  @Test func `S12 too many intervals merge the nearest first`() {
    var reads = ReadSet(intervalLimit: 5)
    for lower in [10, 12, 80, 100, 150, 200] as [UInt8] {
      reads.note(interval(1, [lower], [lower + 1]))
    }
    #expect(reads.intervalCount == 4)
    #expect(reads.isCoarse)
    #expect(reads.covers(interval(1, [10], [13])))
    #expect(reads.covers(interval(1, [80], [101])))
    #expect(!reads.covers(interval(1, [100], [151])))
  }

  @Test func `E1 E2 whatever was noted stays covered within the limits`() {
    let seed = Seed.take(for: #function)
    var random = SeededGenerator(state: seed)
    var reads = ReadSet(pointLimit: 30, intervalLimit: 8)
    for _ in 0..<500 {
      reads.removeAll()
      var names: [LockName] = []
      var intervals: [KeyInterval] = []
      for _ in 0..<Int.random(in: 1...80, using: &random) {
        let keyspace = Int.random(in: 1...3, using: &random)
        if Bool.random(using: &random) {
          names.append(name(keyspace, Int.random(in: 0..<60, using: &random)))
          reads.note(names[names.count - 1])
        } else {
          let bytes = (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
          let lower = Array(bytes.prefix(2))
          let upper = Bool.random(using: &random) ? Array(bytes.suffix(2)) : lower + [0]
          intervals.append(
            interval(keyspace, lower, Int.random(in: 0..<9, using: &random) == 0 ? nil : upper))
          reads.note(intervals[intervals.count - 1])
        }
        #expect(reads.pointCount <= 30)
        #expect(reads.intervalCount <= 8)
      }
      for name in names { #expect(reads.covers(name)) }
      for interval in intervals where !interval.isEmpty { #expect(reads.covers(interval)) }
    }
  }

  @Test func `written keys that do not ascend are refused`() async {
    await #expect(processExitsWith: .failure) {
      var written = WrittenKeys()
      let name = LockName(keyspace: KeyspaceID(1), fingerprint: 1)
      unsafe written.append(name, key: [2].span.bytes)
      unsafe written.append(name, key: [1, 5].span.bytes)
    }
  }
}
