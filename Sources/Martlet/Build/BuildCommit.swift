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

  init(engine: Engine, build: KeyspaceBuild) {
    self.engine = engine
    self.build = build
  }

  func run() throws(DatabaseError) {
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
    do {
      try engine.pipeline.publishMoment(engine.configuration.durability) { moment in
        build.reveal(from: moment)
      }
    } catch {
      // The checkpoint has it: "there is no such keyspace" would be a lie.
      throw DatabaseError(
        .commitUnknown,
        "a bulk build was made durable, and then the log failed (\(error.message)); reopen the "
          + "database, which has the keyspace")
    }
    engine.store.noteBuild()
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

  func leave() {
    isDurable = engine.store.durableGeneration > generation
    if isDurable || isOutcomeOpen { return }
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
}
