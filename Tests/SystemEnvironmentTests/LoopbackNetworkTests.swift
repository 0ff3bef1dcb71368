import Environment
import Primitives
import RawBytes
import Synchronization
import SystemEnvironment
import Testing

@Suite struct LoopbackNetworkTests {
  private static func node(_ number: UInt64) -> NodeID { NodeID(high: 1, low: number) }

  /// Frames that arrived, and a way to wait for so many.
  private final class Arrivals: Sendable {
    let frames = Mutex<[(from: NodeID, bytes: [UInt8])]>([])

    func add(_ from: NodeID, _ bytes: [UInt8]) { frames.withLock { $0.append((from, bytes)) } }

    var count: Int { frames.withLock { $0.count } }

    func wait(for count: Int) {
      let waits = Effects.system().waits
      for attempt in 0..<100_000 where self.count < count { waits.yield(attempt: attempt) }
    }
  }

  @Test func `frames of one sender arrive in order, with their sender, on another thread`() {
    let network = LoopbackNetwork()
    let arrivals = Arrivals()
    let caller = NativeThread.currentIdentity
    let (one, two) = (Self.node(1), Self.node(2))
    let (sender, receiver) = (network.transport(of: one), network.transport(of: two))
    receiver.receive(as: two) { from, bytes in
      if NativeThread.currentIdentity != caller { arrivals.add(from, bytes) }
    }
    for number in 0..<10_000 { sender.send([UInt8(number & 255), UInt8(number >> 8)], to: two) }
    arrivals.wait(for: 10_000)
    let frames = arrivals.frames.withLock { $0 }
    #expect(frames.map { Int($0.bytes[0]) | Int($0.bytes[1]) << 8 } == Array(0..<10_000))
    #expect(frames.allSatisfy { $0.from == one })
    receiver.receive(as: two, nil)
  }

  @Test func `frames to nobody are lost, and none comes once receiving has ended`() {
    let network = LoopbackNetwork()
    let (one, two) = (Self.node(1), Self.node(2))
    let (sender, receiver) = (network.transport(of: one), network.transport(of: two))
    sender.send([1], to: two)
    for _ in 0..<50 {
      let arrivals = Arrivals()
      receiver.receive(as: two) { arrivals.add($0, $1) }
      let ender = NativeThread(name: "sender") { for _ in 0..<500 { sender.send([2], to: two) } }
      receiver.receive(as: two, nil)
      let count = arrivals.count
      ender.join()
      #expect(arrivals.count == count)
      #expect(arrivals.frames.withLock { $0.allSatisfy { $0.bytes == [2] } })
    }
  }

  @Test func `who receives may end it, and may answer`() {
    let network = LoopbackNetwork()
    let (one, two) = (Self.node(1), Self.node(2))
    let (first, second) = (network.transport(of: one), network.transport(of: two))
    let (answers, questions) = (Arrivals(), Arrivals())
    first.receive(as: one) { answers.add($0, $1) }
    second.receive(as: two) { from, bytes in
      questions.add(from, bytes)
      second.send(bytes + bytes, to: from)
      second.receive(as: two, nil)
    }
    for _ in 0..<100 { first.send([7], to: two) }
    answers.wait(for: 1)
    #expect(answers.frames.withLock { $0.first?.bytes } == [7, 7])
    first.receive(as: one, nil)
    #expect(questions.count == 1)
  }

  @Test func `a node that does not keep up loses frames and holds nobody back`() {
    let network = LoopbackNetwork()
    let (one, two) = (Self.node(1), Self.node(2))
    let (sender, receiver) = (network.transport(of: one), network.transport(of: two))
    let gate = Mutex(())
    let arrivals = Arrivals()
    gate.withLock { _ in
      receiver.receive(as: two) { from, bytes in
        gate.withLock { _ in arrivals.add(from, bytes) }
      }
      for _ in 0..<3 * LoopbackNetwork.frameLimit { sender.send([], to: two) }
    }
    // What it had taken when it was held up, and what its queue holds.
    arrivals.wait(for: LoopbackNetwork.frameLimit)
    receiver.receive(as: two, nil)
    #expect(arrivals.count >= LoopbackNetwork.frameLimit)
    #expect(arrivals.count <= 2 * LoopbackNetwork.frameLimit)
  }
}
