internal import Environment
package import Martlet
package import Simulation

/// Opens a damaged database, reads all of it and verifies it, each time in a world of its own.
package struct DamageTrial {
  /// What became of it.
  package struct Outcome: Sendable {
    /// Why it did not open.
    package var refusal: DatabaseError?
    /// What all keyspaces held, or why they could not be read.
    package var fingerprint: UInt64?
    package var readError: DatabaseError?
    package var report: VerificationReport?
    package var verifyError: DatabaseError?
    /// An error that is none of the database's own: never right.
    package var stranger: String?

    /// The error that a user met first.
    package var error: DatabaseError? { refusal ?? readError }
  }

  package let configuration: Configuration
  /// Whether it is also written to afterwards: whoever writes must not stumble over what a reader
  /// does not look at.
  package let isWritten: Bool

  package init(configuration: Configuration, isWritten: Bool = false) {
    self.configuration = configuration
    self.isWritten = isWritten
  }

  package func run(_ image: DiskImage) -> Outcome {
    Simulator(seed: 1, disk: image).run { effects in
      var outcome = Outcome()
      let database: Database
      do {
        database = try Database(
          at: CrashSession.directory, configuration: configuration, effects: effects)
      } catch let error as DatabaseError {
        outcome.refusal = error
        examine(effects, &outcome)
        return outcome
      } catch {
        outcome.stranger = "opening threw \(error)"
        return outcome
      }
      do {
        outcome.fingerprint = try DatabaseDump.fingerprint(of: database)
      } catch let error as DatabaseError {
        outcome.readError = error
      } catch {
        outcome.stranger = "reading threw \(error)"
      }
      do {
        outcome.report = try database.verify()
      } catch let error as DatabaseError {
        outcome.verifyError = error
      } catch {
        outcome.stranger = "verify threw \(error)"
      }
      if isWritten {
        do { try write(to: database) } catch {
          outcome.stranger = "writing threw \(error)"
        }
      }
      try? database.close()
      return outcome
    }
  }

  /// What `martlet verify` says of a database that does not open.
  private func examine(_ effects: Effects, _ outcome: inout Outcome) {
    do {
      outcome.report = try Database.verify(
        at: CrashSession.directory, configuration: configuration, effects: effects)
    } catch let error as DatabaseError {
      outcome.verifyError = error
    } catch {
      outcome.stranger = "an examination threw \(error)"
    }
  }

  /// Sets, replaces and removes keys all over, makes and drops keyspaces, takes a checkpoint.
  /// Every part of it may fail with an error of the database.
  private func write(to database: Database) throws {
    func attempt(_ body: () throws -> Void) throws {
      do { try body() } catch is DatabaseError {}
    }
    for name in database.keyspaceNames {
      try attempt {
        guard let keyspace = try database.existingKeyspace(name) else { return }
        var keys: [[UInt8]] = [[], [0], [107], [255, 255]]
        try attempt {
          try database.read { snapshot in
            try snapshot.forEachKey(in: keyspace, .all, reverse: false, limit: nil) { key, _ in
              keys.append(Array(key))
              return .continue
            }
          }
        }
        for (index, key) in keys.enumerated() {
          try attempt {
            try database.write(durability: .relaxed) { transaction in
              switch index % 4 {
              case 0: try transaction.remove(key, in: keyspace)
              case 1: try transaction.set([UInt8](repeating: 1, count: 700), for: key, in: keyspace)
              case 2: try transaction.set([UInt8](), for: key + [1], in: keyspace)
              default:
                try transaction.set([UInt8](repeating: 2, count: 9_000), for: key, in: keyspace)
              }
            }
          }
        }
      }
    }
    try attempt { _ = try database.keyspace("made after the damage") }
    try attempt { try database.checkpoint() }
    for name in database.keyspaceNames.prefix(2) { try attempt { try database.dropKeyspace(name) } }
    try attempt { try database.checkpoint() }
  }
}
