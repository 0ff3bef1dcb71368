import ConcurrencyControl
import Testing

@Suite("Lock modes")
struct LockModeTests {
  @Test func `the compatibility matrix is the documented one, for all pairs (L1)`() {
    let compatible: Set<[LockMode]> = [
      [.shared, .shared], [.shared, .update], [.update, .shared],
    ]
    for asked in LockMode.allCases {
      for held in LockMode.allCases {
        #expect(asked.isCompatible(with: held) == compatible.contains([asked, held]))
      }
    }
  }

  @Test func `the conversion matrix is the documented one, for all pairs (L1)`() {
    let expected: [LockMode: [LockMode]] = [
      .shared: [.shared, .update, .exclusive],
      .update: [.update, .update, .exclusive],
      .exclusive: [.exclusive, .exclusive, .exclusive],
    ]
    for held in LockMode.allCases {
      #expect(LockMode.allCases.map { held.converted(by: $0) } == expected[held])
    }
  }

  @Test func `a converted mode excludes whatever either of the two excludes`() {
    for held in LockMode.allCases {
      for asked in LockMode.allCases {
        for other in LockMode.allCases
        where !held.isCompatible(with: other) || !asked.isCompatible(with: other) {
          #expect(!held.converted(by: asked).isCompatible(with: other))
        }
      }
    }
  }
}
