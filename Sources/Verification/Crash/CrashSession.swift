package import Environment
package import Martlet
internal import RedoLog

/// Runs a script against a database and keeps its journal.
package struct CrashSession {
  package static let directory = "/database"

  package let script: CrashScript
  package let journal = CrashJournal()
  package let configuration: Configuration

  package init(script: CrashScript, configuration: Configuration) {
    self.script = script
    self.configuration = configuration
  }

  /// A database as small as one can be, so that a short life meets everything: four-kilobyte pages,
  /// a cache of 64 of them, segments of 64 KiB, frequent checkpoints.
  package static var smallConfiguration: Configuration {
    var configuration = Configuration(
      pageSize: 4096, cacheSize: 64 * 4096, versionBudget: 1 << 20, checkpointLogBytes: 96 << 10,
      checkpointInterval: .seconds(1))
    configuration.log = .init(
      firstSegmentByteCount: 64 << 10, largestSegmentByteCount: 128 << 10,
      spareByteCount: 256 << 10)
    return configuration
  }

  /// What a run found wrong.
  package struct Violation: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
  }

  /// Runs the whole script. `closing` sees the database before it is closed. A tolerant run goes
  /// on after steps that were refused, as long as the database takes commits.
  package func run(
    _ effects: Effects, isTolerant: Bool = false, closing: (Database) throws -> Void = { _ in }
  ) throws {
    let database = try Database(
      at: Self.directory, configuration: configuration, effects: effects)
    do {
      for step in script.steps {
        do {
          try perform(step, on: database)
        } catch let error as DatabaseError {
          let isFinal = error.code == .commitUnknown || error.code == .poisoned
          guard isTolerant, !isFinal else { throw error }
        }
      }
      try closing(database)
    } catch {
      try? database.close()
      throw error
    }
    try database.close()
  }

  /// Runs one step; what it asks for and is told enters the journal.
  package func perform(_ step: CrashScript.Step, on database: Database) throws {
    switch step {
    case .createKeyspace(let name):
      try change {
        $0.create(name)
      } by: {
        _ = try database.keyspace(name)
      }
    case .dropKeyspace(let name):
      guard journal.state.keyspaces[name] != nil else { return }
      try change {
        $0.drop(name)
      } by: {
        try database.dropKeyspace(name)
      }
    case .commit(let writes, let isRelaxed):
      guard writes.allSatisfy({ journal.state.keyspaces[$0.keyspace] != nil }) else { return }
      try change(isDurable: !isRelaxed) { state in
        for write in writes { state.apply(write) }
      } by: {
        try database.write(durability: isRelaxed ? .relaxed : nil) { transaction in
          for write in writes {
            guard let keyspace = try database.existingKeyspace(write.keyspace) else {
              throw Violation(description: "keyspace \(write.keyspace) is gone")
            }
            if let value = write.value {
              try transaction.set(value.bytes, for: write.key, in: keyspace)
            } else {
              try transaction.remove(write.key, in: keyspace)
            }
          }
        }
      }
    case .build(let name, let writes, let isAscending):
      guard journal.state.keyspaces[name] == nil else { return }
      try change { state in
        state.create(name)
        for write in writes { state.apply(write) }
      } by: {
        try database.build(name, order: isAscending ? .ascending : .any(memory: 256 << 10)) {
          (builder: inout KeyspaceBuilder) in
          for write in writes { try builder.append(write.key, write.value?.bytes ?? []) }
        }
      }
    case .checkpoint:
      try database.checkpoint()
    case .check:
      let found = try DatabaseDump.fingerprint(of: database)
      guard found == journal.state.fingerprint else {
        throw Violation(description: "the running database differs from the model")
      }
      journal.note(height: try database.verify().height)
    }
  }

  /// A change enters the journal before it is asked for, and leaves it when it certainly failed.
  private func change(
    isDurable: Bool = true, _ model: (inout ModelState) -> Void, by body: () throws -> Void
  ) throws {
    let previous = journal.state
    journal.attempt(model)
    do {
      try body()
      journal.acknowledge(isDurable: isDurable)
    } catch let error as DatabaseError {
      if error.code != .commitUnknown { journal.withdraw(to: previous) }
      throw error
    }
  }
}

/// Reads a whole database through its face.
package enum DatabaseDump {
  /// The fingerprint of the committed state, as `ModelState` computes it.
  package static func fingerprint(of database: Database) throws -> UInt64 {
    var sum: UInt64 = 0
    for name in database.keyspaceNames {
      guard let keyspace = try database.existingKeyspace(name) else { continue }
      sum &+= ModelState.fingerprint(ofKeyspace: name)
      try database.read { snapshot in
        try snapshot.forEach(in: keyspace) { key, value in
          sum &+= ModelState.fingerprint(name, Array(key), Array(value))
          return .continue
        }
      }
    }
    return sum
  }
}

extension Array where Element == UInt8 {
  init(_ span: RawSpan) { self = unsafe span.withUnsafeBytes { unsafe [UInt8]($0) } }
}
