internal import BTreeIndex
internal import Environment
internal import Primitives
internal import RawBytes
internal import VersionStore

/// Runs the body of a build, then sorts if it must, makes the tree and commits it.
struct BuildRunner {
  let engine: Engine
  let name: String
  let options: KeyspaceOptions
  let order: BuildOrder
  let progress: ((BuildProgress) throws -> Void)?
  let cancellation: CancellationFlag?

  /// Runs everything. When it throws, nothing is left of the build (BC2).
  func run(_ body: (inout KeyspaceBuilder) throws -> Void) throws -> Keyspace {
    try engine.pipeline.requireHealth()
    try order.validate()
    try engine.reserve(name)
    defer { engine.builds.release(name) }
    let build = engine.store.beginBuild(name: name, options: options.encoded)
    do {
      let suspension = engine.suspension & ~1
      let watch = BuildWatch(progress: progress, cancellation: cancellation) { [engine] in
        engine.suspension != suspension
      }
      var builder = KeyspaceBuilder(
        engine: engine, build: build, timeToLive: options.timeToLive, sortMemory: order.memory,
        watch: watch)
      try body(&builder)
      try builder.finish(build)
      try BuildCommit(engine: engine, build: build, name: name).run()
    } catch {
      build.end()
      throw error
    }
    build.end()
    return Keyspace(
      name: name, id: build.keyspace, options: options, database: engine.id, writer: .application)
  }
}

extension Engine {
  /// Keeps a name for a build, if no keyspace has it.
  fileprivate func reserve(_ name: String) throws {
    try changingCatalog { _ in
      guard store.keyspace(named: name) == nil, builds.reserve(name) else {
        throw DatabaseError.keyspaceExists(name)
      }
    }
  }
}

/// Looks after a build while it goes on: tells how far it is, and ends it when it is cancelled.
final class BuildWatch {
  private let progress: ((BuildProgress) throws -> Void)?
  private let cancellation: CancellationFlag?
  private let isInterrupted: () -> Bool

  init(
    progress: ((BuildProgress) throws -> Void)?, cancellation: CancellationFlag?,
    isInterrupted: @escaping () -> Bool
  ) {
    self.progress = progress
    self.cancellation = cancellation
    self.isInterrupted = isInterrupted
  }

  /// So many bytes of keys and values lie between two looks.
  static let interval = 1 << 20

  func look(_ phase: BuildProgress.Phase, recordCount: Int, byteCount: Int) throws {
    if cancellation?.isCancelled ?? Task.isCancelled {
      throw DatabaseError(.cancelled, "the build was cancelled; nothing of it is left")
    }
    if isInterrupted() { throw DatabaseError.interrupted }
    try progress?(
      BuildProgress(phase: phase, recordCount: recordCount, byteCount: byteCount))
  }
}
