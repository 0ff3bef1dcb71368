internal import Environment
internal import Primitives
internal import VersionStore

/// Takes a finished build to the eyes of others: into the trees, into a checkpoint, to its name.
///
/// - Invariant BC1: nobody can name the keyspace before a checkpoint that has all of it is durable.
/// - Invariant BC2: when `run` throws, the keyspace is not there, now or after a crash, unless it
///   throws `commitUnknown`: then reopening tells.
final class BuildCommit {
  private let engine: Engine
  private let build: KeyspaceBuild
  private var generation = Generation(0)
  /// Whether the checkpoint that has the keyspace is what a crash falls back to.
  private var isDurable = false
  /// What the log says of it: that it is coming, and that it is there.
  private let record: KeyspaceReset
  private var isAnnounced = false
  private var isEnded = false
  private var failureToReveal: DatabaseError?

  init(engine: Engine, build: KeyspaceBuild, name: String) {
    self.engine = engine
    self.build = build
    record = KeyspaceReset(keyspace: build.keyspace, name: name)
  }

  func run() throws(DatabaseError) {
    // For both records: when the checkpoint is durable, a full disk must not keep the end of the story
    // out of the log.
    try engine.pipeline.reserve(record)
    defer { if !isAnnounced { engine.pipeline.cancelReservation(of: record) } }
    try engine.pipeline.reserve(record)
    defer { if !isEnded { engine.pipeline.cancelReservation(of: record) } }
    do {
      try engine.checkpointer.run(for: self)
    } catch {
      guard isDurable else { throw fate(of: error) }
      engine.effects.events.report(
        Event(
          .warning, kind: .build,
          "a bulk build was committed, and the log before it could not be given back: "
            + error.message))
    }
    if let error = failureToReveal {
      // The checkpoint has it: "there is no such keyspace" would be a lie.
      throw DatabaseError(
        .commitUnknown,
        "a bulk build was made durable, and then the log failed (\(error.message)); reopen the "
          + "database, which has the keyspace")
    }
    engine.store.noteBuild()
    build.beginExpiry()
    if build.firstExpiry != 0 { engine.sweeper.note(build.firstExpiry) }
  }

  private func fate(of error: DatabaseError) -> DatabaseError {
    guard isOutcomeOpen else { return error }
    return DatabaseError(
      .commitUnknown,
      "the checkpoint of a bulk build could not be made durable (\(error.message)); reopen the "
        + "database to learn whether the keyspace is there")
  }

  /// Whether the device may or may not have the checkpoint.
  private var isOutcomeOpen: Bool { engine.store.isPoisoned }

  // MARK: Around the checkpoint

  func enter() throws(DatabaseError) {
    generation = engine.store.durableGeneration
    do { try build.enter() } catch { throw DatabaseError(error) }
  }

  /// The state that will have the keyspace is captured.
  func announce() -> LogPosition {
    isAnnounced = true
    return engine.pipeline.announce(record)
  }

  /// While nobody else can take a checkpoint: the announcement is read by recovery up to the next one,
  /// which must find the end of the story in the log.
  func leave() {
    isDurable = engine.store.durableGeneration > generation
    if isDurable { return reveal() }
    if isOutcomeOpen { return }
    do { try build.withdraw() } catch {
      // The catalog names what is about to be freed: no checkpoint may be made of that.
      engine.store.poison()
      engine.pipeline.poison()
      engine.effects.events.report(
        Event(
          .failure, kind: .build,
          "a bulk build whose checkpoint failed could not be undone: \(error)"))
    }
  }

  private func reveal() {
    do {
      try engine.pipeline.publishMoment(of: record, engine.configuration.durability) { moment in
        isEnded = true
        build.reveal(from: moment)
      }
    } catch {
      failureToReveal = error
    }
  }
}
