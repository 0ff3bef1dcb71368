import ConcurrencyControl
import Primitives
import Testing

@Suite("Key intervals")
struct KeyIntervalTests {
  private func interval(_ lower: [UInt8], _ upper: [UInt8]?, in keyspace: UInt32 = 1)
    -> KeyInterval
  {
    KeyInterval(keyspace: KeyspaceID(keyspace), lower: lower, upper: upper)
  }

  private func contains(_ interval: KeyInterval, _ key: [UInt8]) -> Bool {
    // SAFETY: the span does not outlive the array.
    unsafe interval.contains(key.span.bytes)
  }

  @Test func `the lower bound is inside, the upper one is not`() {
    let middle = interval([2], [4])
    #expect(!contains(middle, [1, 255]))
    #expect(contains(middle, [2]))
    #expect(contains(middle, [3, 255]))
    #expect(!contains(middle, [4]))
    #expect(contains(interval([2], nil), [255, 255]))
    #expect(contains(interval([], [1]), []))
  }

  @Test func `a prefix comes before what it begins, and bytes are unsigned`() {
    #expect(contains(interval([2], [2, 0]), [2]))
    #expect(!contains(interval([2], [2, 0]), [2, 0]))
    #expect(contains(interval([127], [129]), [128]))
  }

  @Test func `an interval without keys overlaps nothing and lies in everything`() {
    #expect(interval([3], [3]).isEmpty && interval([3], [2]).isEmpty)
    #expect(!interval([3], [3]).overlaps(interval([], nil)))
    #expect(interval([7], [8]).contains(interval([3], [3])))
  }

  /// All pairs of intervals over a few bounds, against the sets of keys between them.
  @Test func `containing, overlapping and merging are what they are of sets`() {
    let bounds: [[UInt8]] = [[], [1], [1, 0], [1, 255], [2], [255]]
    var intervals: [(KeyInterval, Set<Int>)] = []
    for lower in bounds.indices {
      for upper in bounds.indices where upper > lower {
        intervals.append((interval(bounds[lower], bounds[upper]), Set(lower..<upper)))
      }
      intervals.append((interval(bounds[lower], nil), Set(lower...bounds.count)))
    }
    for (left, leftKeys) in intervals {
      for (index, bound) in bounds.enumerated() {
        #expect(contains(left, bound) == leftKeys.contains(index))
      }
      for (right, rightKeys) in intervals {
        #expect(left.overlaps(right) == !leftKeys.isDisjoint(with: rightKeys))
        #expect(left.contains(right) == leftKeys.isSuperset(of: rightKeys))
        let union = leftKeys.union(rightKeys)
        let isWhole = union.max()! - union.min()! + 1 == union.count
        let expected = isWhole ? intervals.first { $0.1 == union }?.0 : nil
        #expect(left.merged(with: right) == expected)
      }
    }
  }

  @Test func `intervals of two keyspaces have nothing in common`() {
    #expect(!interval([1], [3]).overlaps(interval([1], [3], in: 2)))
    #expect(!interval([1], [3]).contains(interval([1], [3], in: 2)))
    #expect(interval([1], [3]).merged(with: interval([1], [3], in: 2)) == nil)
  }
}
