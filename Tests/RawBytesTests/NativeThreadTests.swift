import RawBytes
import Synchronization
import Testing

@Suite struct NativeThreadTests {
  @Test func `join waits for the body, on another thread than ours`() {
    let identity = Atomic<UInt>(0)
    let box = Box(identity: identity)
    let thread = NativeThread(name: "a name of more than fifteen bytes") {
      box.identity.store(NativeThread.currentIdentity, ordering: .releasing)
    }
    thread.join()
    let other = box.identity.load(ordering: .acquiring)
    #expect(other != 0)
    #expect(other != NativeThread.currentIdentity)
  }

  @Test func `what the body captured is released before join returns`() {
    weak var watched: Box?
    let thread: NativeThread
    do {
      let box = Box(identity: Atomic(0))
      watched = box
      thread = NativeThread(name: "short") { box.identity.store(1, ordering: .relaxed) }
    }
    thread.join()
    #expect(watched == nil)
  }

  @Test func `a word hands values over between threads`() {
    let pair = Pair()
    let thread = NativeThread(name: "echo") {
      for round in UInt32(1)...1000 {
        while pair.there.load() != round {
          pair.there.wait(while: round - 1, nanoseconds: nil)
        }
        _ = pair.back.exchange(round)
        pair.back.wake()
      }
    }
    for round in UInt32(1)...1000 {
      _ = pair.there.exchange(round)
      pair.there.wake()
      while pair.back.load() != round { pair.back.wait(while: round - 1, nanoseconds: nil) }
    }
    thread.join()
    #expect(pair.back.load() == 1000)
  }

  @Test func `a limited sleep ends by itself`() {
    let word = WaitWord(7)
    word.wait(while: 7, nanoseconds: 1_000_000)
    #expect(word.load() == 7)
    let (first, second) = (word.compareExchange(8, 9), word.compareExchange(7, 9))
    #expect(!first && second)
  }

  final class Box: Sendable {
    let identity: Atomic<UInt>
    init(identity: consuming Atomic<UInt>) { self.identity = identity }
  }

  final class Pair: Sendable {
    let there = WaitWord(0)
    let back = WaitWord(0)
  }
}
