import ConcurrencyControl
import Testing

@Suite("Keyspace lock modes")
struct KeyspaceLockModeTests {
  private static let order: [KeyspaceLockMode] = [
    .intentionShared, .intentionExclusive, .shared, .sharedIntentionExclusive, .update, .exclusive,
  ]

  @Test func `the compatibility matrix is the documented one, for all pairs (L1)`() {
    let compatible: [[Bool]] = [
      [true, true, true, true, true, false],
      [true, true, false, false, false, false],
      [true, false, true, false, true, false],
      [true, false, false, false, false, false],
      [true, false, true, false, false, false],
      [false, false, false, false, false, false],
    ]
    #expect(Self.order.count == KeyspaceLockMode.allCases.count)
    for (row, asked) in Self.order.enumerated() {
      #expect(Self.order.map { asked.isCompatible(with: $0) } == compatible[row], "\(asked)")
    }
  }

  @Test func `the conversion matrix is the documented one, for all pairs (L1)`() {
    let (six, update, exclusive) =
      (
        KeyspaceLockMode.sharedIntentionExclusive, KeyspaceLockMode.update,
        KeyspaceLockMode.exclusive
      )
    let converted: [[KeyspaceLockMode]] = [
      Self.order,
      [.intentionExclusive, .intentionExclusive, six, six, six, exclusive],
      [.shared, six, .shared, six, update, exclusive],
      [six, six, six, six, six, exclusive],
      [update, six, update, six, update, exclusive],
      [exclusive, exclusive, exclusive, exclusive, exclusive, exclusive],
    ]
    for (row, held) in Self.order.enumerated() {
      #expect(Self.order.map { held.converted(by: $0) } == converted[row], "\(held)")
    }
  }

  @Test func `a converted mode is the weakest that excludes whatever either of the two excludes`() {
    func excluded(_ mode: KeyspaceLockMode) -> Set<KeyspaceLockMode> {
      Set(Self.order.filter { !mode.isCompatible(with: $0) })
    }
    for held in Self.order {
      for asked in Self.order {
        let both = excluded(held).union(excluded(asked))
        let stronger = Self.order.filter { excluded($0).isSuperset(of: both) }
        #expect(excluded(held.converted(by: asked)).isSuperset(of: both))
        #expect(
          stronger.allSatisfy {
            excluded($0).isSuperset(of: excluded(held.converted(by: asked)))
          })
      }
    }
  }

  /// Every mode held, every mode asked for by another, and every mode asked for by the holder.
  @Test func `the table grants by the matrices`() {
    for held in Self.order {
      for asked in Self.order {
        var locks = LockDriver()
        #expect(locks.askAll(1, held) == .granted)
        #expect(locks.askAll(2, asked) == (asked.isCompatible(with: held) ? .granted : .waiting))
        #expect(locks.release(1) == (asked.isCompatible(with: held) ? [] : [2]))
        #expect(locks.modeOfAll(2) == asked)

        var alone = LockDriver()
        #expect(alone.askAll(1, held) == .granted)
        #expect(alone.askAll(1, asked) == .granted)
        #expect(alone.modeOfAll(1) == held.converted(by: asked))
      }
    }
  }
}
