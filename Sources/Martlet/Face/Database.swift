public import Primitives
package import Environment
internal import SystemEnvironment
internal import VersionStore

/// An embedded, transactional, ordered key-value database in one directory, or in memory.
///
/// Any number of threads and tasks use one `Database` at the same time. Writers of different keys
/// run side by side; readers wait for nobody. What was acknowledged survives what
/// `Configuration.durability` says it survives, and a crash leaves either the whole of a commit or
/// nothing of it.
///
/// One process opens a directory at a time; a second one, or a second `Database` in the same
/// process, gets `alreadyOpen` at once. A crash leaves no lock behind.
public final class Database: Sendable {
  let engine: Engine
  /// Where copies go: the world of its own files, or the system's when those are in memory.
  let outside: Effects

  /// Opens the database in a directory, or makes one there when the directory is absent or empty.
  ///
  /// After a crash, opening replays the log from the last checkpoint.
  /// - Throws: `alreadyOpen`, `notADatabase`, `newerFormat`, `corrupt`, `notFound`,
  ///   `invalidArgument`, `inputOutput` or `diskFull`; in each case what was there is unchanged.
  public convenience init(
    at directory: String, configuration: Configuration = Configuration()
  ) throws {
    let effects = Effects.system(
      events: Self.sink(configuration),
      protectionClass: configuration.fileProtection?.number ?? 0)
    self.init(engine: try Engine.open(directory, configuration, effects))
  }

  /// A database that lives in memory and ends with its last reference.
  public static func inMemory(configuration: Configuration = Configuration()) throws -> Database {
    let effects = Effects.memory(events: sink(configuration))
    return Database(
      engine: try Engine.open("/martlet", configuration, effects),
      outside: Effects.system(events: sink(configuration)))
  }

  /// Opens a database through seams of the caller's choice: for simulation and tests.
  package convenience init(
    at directory: String, configuration: Configuration, effects: Effects
  ) throws {
    self.init(engine: try Engine.open(directory, configuration, effects))
  }

  /// Whether a directory holds a database, open or not. Looks at names only.
  public static func isDatabase(at directory: String) -> Bool {
    Engine.isDatabase(directory, Effects.system(events: EventClosure(nil)))
  }

  init(engine: Engine, outside: Effects? = nil) {
    self.engine = engine
    self.outside = outside ?? engine.effects
  }

  deinit {
    // The last reference may be let go on a thread of the engine, which cannot wait for itself.
    let engine = engine
    if engine.workers.includeCurrentThread {
      _ = engine.effects.background.start("martlet-close") { try? engine.close() }
    } else {
      try? engine.close()
    }
  }

  /// Its identity, made when the database was made.
  public var id: DatabaseID { engine.id }

  /// Writes everything committed so far into the data file, so that opening need not replay it.
  ///
  /// Other transactions go on meanwhile. The background does this by itself.
  /// - Throws: the failure; then the checkpoint before stays in force and nothing is lost.
  public func checkpoint() throws {
    try engine.enter()
    defer { engine.leave() }
    try engine.checkpointer.run()
  }

  /// Waits for running transactions, takes a last checkpoint, and lets the directory go. Later
  /// calls of anything throw `closed`; later calls of `close` do nothing.
  ///
  /// Not from inside a transaction or a read, for whose end it waits.
  /// - Throws: `invalidArgument` inside a transaction that writes: nothing happened; else what the last
  ///   checkpoint throws, and the database is closed.
  public func close() throws {
    guard engine.currentTransaction == nil else {
      throw DatabaseError(.invalidArgument, "a database cannot be closed inside a transaction")
    }
    try engine.close()
  }

  private static func sink(_ configuration: Configuration) -> EventClosure {
    EventClosure(configuration.events)
  }
}

/// Hands events to the closure of the configuration.
struct EventClosure: EventSink {
  private let closure: (@Sendable (DatabaseEvent) -> Void)?

  init(_ closure: (@Sendable (DatabaseEvent) -> Void)?) { self.closure = closure }

  func report(_ event: Event) { closure?(DatabaseEvent(event)) }

  func wants(_ severity: Event.Severity) -> Bool { closure != nil }
}
