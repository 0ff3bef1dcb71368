import Paging
import Testing

@Suite struct `The page word` {
  @Test func `of a page that was never used is absent at version 0`() {
    let word = PageWord(0)
    #expect(!word.isResident && !word.isExclusive && !word.isCooling)
    #expect(word.sharedCount == 0 && word.version == 0)
  }

  @Test func `carries a frame through a load`() {
    let latched = PageWord(0).latched
    #expect(latched.isExclusive && !latched.isResident && !latched.isReadable)
    for frame in [0, 1, 77, PageWord.maximumFrameCount - 1] {
      let word = latched.placed(inFrame: frame).unlatched
      #expect(word.isHot && word.isReadable)
      #expect(word.frame == frame && word.version == 1)
    }
  }

  @Test func `rises at every exclusive unlatch and through eviction`() {
    var word = PageWord(0)
    for round in 1...100 {
      word = word.latched.placed(inFrame: round).unlatched
      word = word.latched.evicted
      #expect(word.version == UInt64(2 * round))
      #expect(!word.isResident && !word.isExclusive && word.frame == 0)
    }
  }

  @Test func `wraps its version without touching the rest`() {
    let last = PageWord(UInt64.max << 34).latched.placed(inFrame: 5)
    let word = last.unlatched
    #expect(word.version == 0 && word.frame == 5 && word.isHot)
  }

  @Test func `agrees with itself shared and cooled, and with nothing else`() {
    let word = PageWord(0).latched.placed(inFrame: 3).unlatched
    #expect(word.agrees(with: word.sharedOnce.sharedOnce))
    #expect(word.agrees(with: word.cooled) && word.cooled.agrees(with: word))
    #expect(!word.agrees(with: word.latched))
    #expect(!word.agrees(with: word.latched.unlatched))
    #expect(!word.agrees(with: word.latched.evicted))
    #expect(!word.agrees(with: word.latched.placed(inFrame: 4)))
  }

  @Test func `counts sharers up to its maximum beside everything else`() {
    var word = PageWord(0).latched.placed(inFrame: 3).unlatched.cooled
    let before = word
    for count in 1...PageWord.maximumSharedCount {
      word = word.sharedOnce
      #expect(word.sharedCount == count)
    }
    #expect(word.isCooling && word.frame == 3 && word.agrees(with: before))
  }

  @Test func `is warmed by a latch`() {
    let word = PageWord(0).latched.placed(inFrame: 3).unlatched.cooled
    #expect(!word.isHot && word.isReadable && word.warmed.isHot)
    #expect(!word.latched.isCooling)
  }
}
