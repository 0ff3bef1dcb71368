internal import Environment
internal import RawBytes

/// Chance from the seed.
final class SimulatedEntropy: EntropySource, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  private let scheduler: Scheduler
  private var generator: SeededGenerator

  init(scheduler: Scheduler, generator: SeededGenerator) {
    self.scheduler = scheduler
    self.generator = generator
  }

  func next() -> UInt64 {
    let word = generator.next()
    scheduler.enter(.entropy, word)
    return word
  }
}

/// Threads under the baton.
struct SimulatedBackgroundWork: BackgroundWork {
  let scheduler: Scheduler
  /// The machine that they run on; nil: that of whoever starts them.
  var group: ThreadGroup?

  func start(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) -> any BackgroundThread {
    Thread(scheduler: scheduler, thread: scheduler.start(name, in: group, body))
  }

  private struct Thread: BackgroundThread {
    let scheduler: Scheduler
    let thread: SimulatedThread

    func join() { scheduler.join(thread) }
  }
}

/// Keeps all news for the test to look at, or gives them to an observer.
final class RecordedEvents: EventSink, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  private let scheduler: Scheduler
  private(set) var events: [Event] = []
  private let observer: ((Event) -> Void)?

  init(scheduler: Scheduler, observer: ((Event) -> Void)? = nil) {
    self.scheduler = scheduler
    self.observer = observer
  }

  func report(_ event: Event) {
    let hash = Array(event.message.utf8).withByteView { Hash64.hash($0, seed: 0) }
    scheduler.enter(.event, UInt64(event.severity.rawValue), hash)
    if let observer { observer(event) } else { events.append(event) }
  }
}
