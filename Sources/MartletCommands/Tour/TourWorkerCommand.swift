package import ArgumentParser
internal import Foundation
package import Martlet

/// The process that the tour kills: transfers money from several threads until it is no more.
///
/// It writes `ack …` after each acknowledged commit, one line in one write, so that a line that
/// arrives whole was sent by a commit that was acknowledged. A reader beside the threads sums the
/// accounts in snapshot after snapshot, and writes `sum …` when one is not what it must be.
package struct TourWorkerCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "tour-worker", abstract: "The process that the tour kills.", shouldDisplay: false)

  @Argument package var directory: String
  @Option package var seed: UInt64
  @Option package var durability: Durability

  package init() {}

  package func run() throws {
    let bank = try Bank(directory: directory, durability: durability)
    let failures = Collected<String>()
    let first = try (0..<Bank.threadCount).map { try bank.lastSequence(ofThread: $0) + 1 }
    DispatchQueue.concurrentPerform(iterations: Bank.threadCount + 1) { thread in
      do {
        if thread == Bank.threadCount {
          try audit(bank)
        } else {
          try transfer(bank, thread: thread, from: first[thread])
        }
      } catch {
        failures.append(ToolError(describing: error).description)
        try? Descriptor.standardOutput.write("fail \(ToolError(describing: error).description)\n")
      }
    }
    throw ToolError(failures.elements.first ?? "the worker ended")
  }

  private func transfer(_ bank: Bank, thread: Int, from first: Int) throws {
    var generator = SeededGenerator(seed: seed &+ UInt64(thread) &* 0x9E37_79B9)
    for sequence in first... {
      let source = Int.random(in: 0..<Bank.accountCount, using: &generator)
      let step = Int.random(in: 1..<Bank.accountCount, using: &generator)
      let acknowledgement = try bank.perform(
        Transfer(
          thread: thread, sequence: sequence, source: source,
          target: (source + step) % Bank.accountCount,
          amount: Int.random(in: 1...100, using: &generator)))
      try Descriptor.standardOutput.write(acknowledgement.line + "\n")
    }
  }

  private func audit(_ bank: Bank) throws {
    while true {
      let sum = try bank.sum()
      if sum != Bank.accountCount * Bank.initialBalance {
        try Descriptor.standardOutput.write("sum \(sum)\n")
      }
      Thread.sleep(forTimeInterval: 0.002)
    }
  }
}
