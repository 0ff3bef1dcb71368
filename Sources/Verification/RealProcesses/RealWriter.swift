internal import Environment
internal import Martlet
internal import RawBytes
internal import Synchronization
internal import SystemEnvironment

/// The process that is tortured: opens a database, tells what it found, and then commits from
/// several threads until it is killed.
///
/// ```text
///  ready ──▶ opened, dump ──(parent judges, sends where to begin)──▶ attempt, acknowledged, … ──▶ SIGKILL
/// ```
// SENDABLE: what changes is in a Mutex or atomic.
package final class RealWriter: @unchecked Sendable {
  package struct Options: Sendable {
    package var directory: String
    package var workload: RealWorkload
    package var life: UInt64
    package var plan: KillingFileSystem.Plan
    package var lie: RealLie?
    /// Wait for a byte from the parent before opening, so that several processes race.
    package var waitsBeforeOpening = false
    /// Close the database when every thread has made so many steps.
    package var stepLimit: UInt64?

    package init(
      directory: String, workload: RealWorkload, life: UInt64,
      plan: KillingFileSystem.Plan = .never, lie: RealLie? = nil
    ) {
      self.directory = directory
      self.workload = workload
      self.life = life
      self.plan = plan
      self.lie = lie
    }
  }

  /// How the process talks with its parent.
  package struct Channel: Sendable {
    let send: @Sendable ([UInt8]) -> Void
    let receive: @Sendable (Int) -> [UInt8]?

    /// - Parameters:
    ///   - send: writes bytes in one call.
    ///   - receive: waits for so many bytes; nil when the parent is gone.
    package init(
      send: @escaping @Sendable ([UInt8]) -> Void,
      receive: @escaping @Sendable (Int) -> [UInt8]?
    ) {
      self.send = send
      self.receive = receive
    }

    func send(_ record: RealRecord) { send(record.encoded) }
  }

  private let options: Options
  private let channel: Channel
  private let effects: Effects
  private let files: KillingFileSystem
  private let isStopping = Atomic<Bool>(false)

  package init(_ options: Options, channel: Channel) {
    self.options = options
    self.channel = channel
    let system = Effects.system()
    files = KillingFileSystem(over: system.files, plan: options.plan, lie: options.lie) { point in
      let index = point.flatMap { point in KillPoint.all.firstIndex { $0 == point } }
      channel.send(
        RealRecord(.point, number: UInt64(index ?? KillPoint.all.count)))
    }
    effects = Effects(
      files: files, time: system.time, entropy: system.entropy, waits: system.waits,
      background: system.background, events: system.events)
  }

  /// Runs until the parent is gone, or, with a limit of steps, until the database is closed.
  package func run() {
    channel.send(RealRecord(.ready))
    if options.waitsBeforeOpening, channel.receive(1) == nil { return }
    guard let database = openAndTell() else { return }
    let count = options.workload.threadCount
    guard let message = channel.receive(8 * count) else { return }
    let positions = message.withByteView { view in
      (0..<count).map { view.load(UInt64.self, at: 8 * $0) }
    }
    do {
      var keyspaces: [String: Keyspace] = [:]
      for name in RealWorkload.keyspaces { keyspaces[name] = try database.keyspace(name) }
      commit(database, keyspaces, from: positions)
    } catch {
      channel.send(RealRecord(.complaint, text: "\(error)"))
    }
    if options.stepLimit != nil { close(database) }
  }

  private func openAndTell() -> Database? {
    let isThere = (try? effects.files.kind(of: options.directory + "/data.martlet")) == .file
    files.enter(isThere ? .opening : .creating)
    do {
      let start = effects.time.monotonic()
      let database = try Database(
        at: options.directory, configuration: options.workload.configuration,
        effects: effects)
      let duration = effects.time.monotonic() - start
      files.enter(.running)
      channel.send(RealRecord(.opened, figure: duration))
      channel.send(RealRecord(.dump, tail: try RealDump(reading: database).encoded))
      return database
    } catch let error as DatabaseError {
      channel.send(RealRecord(.notOpened, text: "\(error.code.name): \(error.message)"))
    } catch {
      channel.send(RealRecord(.notOpened, text: "\(error)"))
    }
    return nil
  }

  private func close(_ database: Database) {
    files.enter(.closing)
    do {
      try database.close()
      channel.send(RealRecord(.closed))
    } catch {
      channel.send(RealRecord(.complaint, text: "closing: \(error)"))
    }
  }

  // MARK: Threads

  private func commit(
    _ database: Database, _ keyspaces: [String: Keyspace], from positions: [UInt64]
  ) {
    let auditor = RealAuditor(
      database: database, keyspaces: keyspaces, threadCount: positions.count, effects: effects)
    let audit = effects.background.start("auditor") { [self] in
      auditor.run(until: { self.isStopping.load(ordering: .relaxed) }) { complaint in
        self.channel.send(RealRecord(.complaint, text: complaint))
      } tell: {
        self.channel.send(RealRecord(.effort, tail: RealEffort(database.statistics).encoded))
      }
    }
    let threads = positions.enumerated().map { thread, position in
      effects.background.start("writer") { [self] in
        RealThread(
          number: thread, database: database, keyspaces: keyspaces, options: options,
          channel: channel, effects: effects
        ).run(from: position + 1)
      }
    }
    for thread in threads { thread.join() }
    isStopping.store(true, ordering: .relaxed)
    audit.join()
  }
}
