import Environment
import RawBytes
import Simulation
import Testing

/// What the simulator refuses: each is a bug of the engine, or of the test.
@Suite struct SimulatorTrapTests {
  private func message(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }

  @Test func `a deadlock names the seed and who waits for what (H4)`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      Simulator(seed: 4711).run { effects in
        _ = effects.background.start("flusher") {
          _ = effects.waits.park(effects.waits.makeTicket(), until: nil)
        }
        _ = effects.waits.park(effects.waits.makeTicket(), until: nil)
      }
    }
    #expect(message(result).contains("seed 4711"))
    #expect(message(result).contains("flusher: parked on ticket"))
  }

  @Test func `a thread that outlives the body for ever is named`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      Simulator(seed: 5).run { effects in
        _ = effects.background.start("ticker") {
          while true {
            let deadline = effects.time.monotonic() + 1_000_000_000
            _ = effects.waits.park(effects.waits.makeTicket(), until: deadline)
          }
        }
      }
    }
    #expect(message(result).contains("ticker"))
  }

  @Test func `spinning for what nobody will do ends`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      Simulator(seed: 5).run { effects in
        while true { effects.waits.yield(attempt: 0) }
      }
    }
    #expect(message(result).contains("only spins"))
  }

  @Test func `a ticket is woken once (P2)`() async {
    await #expect(processExitsWith: .failure) {
      Simulator(seed: 5).run { effects in
        let ticket = effects.waits.makeTicket()
        effects.waits.wake(ticket)
        effects.waits.wake(ticket)
      }
    }
  }

  @Test func `misaligned direct I/O traps (J4)`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try Simulator(seed: 5).run { effects in
        let file = try effects.files.open("/a", FileMode(creation: .always, isDirect: true))
        try file.write(AlignedMemory(byteCount: 4096).bytes.view, at: 512)
      }
    }
    #expect(message(result).contains("misaligned"))
  }

  @Test func `a call from a stranger's thread traps (H1)`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      Simulator(seed: 5).run { effects in
        NativeThread(name: "stranger") { _ = effects.entropy.next() }.join()
      }
    }
    #expect(message(result).contains("did not start"))
  }
}
