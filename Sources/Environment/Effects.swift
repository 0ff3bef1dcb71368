/// Everything the engine does to the world, in one value: files, time, chance, waits, threads and
/// news. The engine has no other way out.
///
/// `SystemEnvironment` provides the real one. `Simulation` provides one whose every answer comes
/// from a seed, so that a power cut, a full disk or an unlucky thread order is a test like any
/// other.
///
/// - Invariant E1: no thread holds a `Mutex` or a latch across a call into a seam, except the
///   latch of the very page an I/O is for. A simulated call may run other threads first.
/// - Invariant E2: a thread that spins calls `Waits.yield(attempt:)` in its loop, so that
///   whoever it waits for can run.
package struct Effects: Sendable {
  package let files: any FileSystem
  package let time: any TimeSource
  package let entropy: any EntropySource
  package let waits: any Waits
  package let background: any BackgroundWork
  package let events: any EventSink

  package init(
    files: any FileSystem, time: any TimeSource, entropy: any EntropySource, waits: any Waits,
    background: any BackgroundWork, events: any EventSink
  ) {
    self.files = files
    self.time = time
    self.entropy = entropy
    self.waits = waits
    self.background = background
    self.events = events
  }
}
