import Environment
import RawBytes
import Seeds
import Simulation
import Testing

/// Faults by chance, and several at once.
@Suite struct OccurrenceTests {
  /// Which of a thousand reads fail.
  private func failures(
    seed: UInt64, oneIn interval: Int, prepare: (SimulatedDisk) -> Void = { _ in }
  ) throws -> [Int] {
    let disk = Simulator(seed: seed).disk
    let file = try disk.makeFile("/a")
    prepare(disk)
    disk.inject(Fault(.fails(Fault.inputOutput), on: [.read], .sometimes(oneIn: interval)))
    return (0..<1000).filter { _ in number { _ = try file.read(1, at: 0) } != nil }
  }

  @Test func `a fault by chance happens about as often as it says, and alike for one seed`() throws
  {
    let seed = Seed.take(for: #function)
    let found = try failures(seed: seed, oneIn: 20)
    #expect((20...90).contains(found.count), "\(found.count) of a thousand")
    #expect(try failures(seed: seed, oneIn: 20) == found)
    #expect(try failures(seed: seed &+ 1, oneIn: 20) != found)
    #expect(try failures(seed: seed, oneIn: 1).count == 1000)
  }

  @Test func `what a fault by chance hits does not depend on other faults`() throws {
    let alone = try failures(seed: 7, oneIn: 20)
    // Injected first, it takes the first stream; so the other's is the same in both runs.
    let disk = Simulator(seed: 7).disk
    let file = try disk.makeFile("/a")
    disk.inject(Fault(.fails(Fault.inputOutput), on: [.read], .sometimes(oneIn: 20)))
    disk.inject(Fault(.flipsBit, .sometimes(oneIn: 2)))
    let both = (0..<1000).filter { _ in number { _ = try file.read(1, at: 0) } != nil }
    #expect(both == alone)
  }

  @Test func `a fault by chance leaves the run as it was until it happens (D2)`() throws {
    func hash(_ fault: Fault?) throws -> UInt64 {
      let simulator = Simulator(seed: 5)
      if let fault { simulator.disk.inject(fault) }
      try simulator.run { effects in
        let file = try effects.files.open("/a", FileMode(creation: .always))
        let threads = (0..<3).map { number in
          effects.background.start("\(number)") {
            for _ in 0..<50 { try? file.write([UInt8(number)], at: effects.entropy.next() % 999) }
          }
        }
        for thread in threads { thread.join() }
        try file.sync(.full)
      }
      return simulator.traceHash
    }
    let calm = try hash(nil)
    #expect(try hash(Fault(.flipsBit, .sometimes(oneIn: 2))) == calm)
    #expect(try hash(Fault(.fails(5), on: [.write], .sometimes(oneIn: 1_000_000_000))) == calm)
    #expect(try hash(Fault(.delays(nanoseconds: 9), on: [.sync], .always)) == calm)
    #expect(try hash(Fault(.delays(nanoseconds: 99_999), on: [.write], .always)) != calm)
  }

  @Test func `a delay and another fault befall the same call`() throws {
    let simulator = Simulator(seed: 1)
    let disk = simulator.disk
    let file = try disk.makeFile("/a")
    disk.inject(Fault(.delays(nanoseconds: 1_000_000_000), on: [.write], .once(at: 2)))
    disk.inject(Fault(.fails(Fault.noSpace), on: [.write], .once(at: 2)))
    try file.write([1], at: 0)
    let before = simulator.now
    #expect(number { try file.write([2], at: 0) } == Fault.noSpace)
    #expect(simulator.now >= before + 1_000_000_000)
    #expect(disk.counters.count(of: .delayed) == 1)
    #expect(disk.counters.count(of: .failed) == 1)
  }

  @Test func `every call has numbers that it can fail with`() {
    for call in FileError.Call.allCases {
      let numbers = Fault.numbers(of: call)
      #expect(numbers.contains(Fault.inputOutput))
      #expect(Set(numbers).count == numbers.count)
      #expect(!numbers.contains(SimulatedDisk.powerCutNumber))
    }
  }
}
