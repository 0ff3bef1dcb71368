internal import Primitives
internal import Environment
internal import RedoLog

/// Reads a feed: a follower of the log, a decoder of its records, and the few transactions that were
/// read and not yet asked for.
///
/// Used by one task or thread at a time.
///
/// - Invariant CR1: what waits in memory was read in one go: at most about a megabyte, or one
///   transaction, beside the large values of open transactions (CD2). More is read when all of it
///   is taken, so a slow consumer holds back nothing but itself.
/// - Invariant CR2: an element's token stands behind its own record, so a feed that goes on from
///   there begins with the next one.
// SENDABLE: used by one task at a time, which hands it to a thread of the engine and waits.
package final class ChangeReader: @unchecked Sendable {
  private let engine: Engine
  private let follower: LogFollower
  private var decoder: ChangeDecoder
  private var buffer: [CommittedChanges] = []
  private var head = 0
  /// Where everything durable was read the last time.
  private var caughtUpAt: LogPosition?

  /// Bytes of changes that are read in one go.
  private static let bufferByteLimit = 1 << 20
  /// Nanoseconds between two looks whether the database was resumed.
  private static let suspendedPause: UInt64 = 50_000_000

  init(engine: Engine, keyspaces: Set<KeyspaceID>?, from token: ChangeToken) {
    self.engine = engine
    follower = LogFollower(engine.log, from: token.mark, floor: token.floor)
    decoder = ChangeDecoder(keyspaces: keyspaces)
  }

  /// Reads the changes of a database without waiting: for whoever waits by other means.
  package convenience init(
    _ database: Database, in keyspaces: [Keyspace]? = nil, from token: ChangeToken? = nil
  ) throws {
    self.init(
      engine: database.engine, keyspaces: keyspaces.map { Set($0.map(\.id)) },
      from: try database.start(token))
  }

  // MARK: Taking

  /// The next transaction that is durable by now; nil when all were taken.
  package func poll() throws -> CommittedChanges? {
    while true {
      if let element = takeBuffered() { return element }
      if try fill() == .caughtUp, buffer.isEmpty { return nil }
    }
  }

  /// The next transaction, as soon as there is one; nil when the task is cancelled.
  func next() async throws -> CommittedChanges? {
    while true {
      if Task.isCancelled { return nil }
      if let element = takeBuffered() { return element }
      if let caughtUpAt, engine.log.durablePosition == caughtUpAt, !engine.log.isPoisoned {
        switch await engine.durableWatch.wait(beyond: caughtUpAt) {
        case .cancelled: return nil
        case .closed: throw DatabaseError(.closed, "the database was closed")
        case .moved, .timedOut: break
        }
      }
      do {
        try await engine.onWorker { [self] in _ = try fill() }
      } catch let error as DatabaseError where error.code == .suspended && !engine.log.isPoisoned {
        // Nothing was read: it goes on after `resume`.
        let deadline = engine.effects.time.monotonic() + Self.suspendedPause
        _ = await engine.durableWatch.wait(beyond: LogPosition(.max), until: deadline)
      }
    }
  }

  private func takeBuffered() -> CommittedChanges? {
    guard head < buffer.count else { return nil }
    defer { head += 1 }
    return buffer[head]
  }

  // MARK: Reading

  /// Reads on, once.
  private func fill() throws -> LogFollower.Outcome {
    try engine.enter()
    defer { engine.leave() }
    buffer.removeAll(keepingCapacity: true)
    head = 0
    let durable = engine.log.durablePosition
    let outcome: LogFollower.Outcome
    do {
      var byteCount = 0
      outcome = try follower.read { record, isPast in
        guard let decoded = try decoder.consume(record, isPast: isPast) else { return true }
        buffer.append(element(decoded))
        byteCount += decoded.byteCount
        return byteCount < Self.bufferByteLimit
      }
    } catch {
      throw told(error)
    }
    caughtUpAt = outcome == .caughtUp ? durable : nil
    if outcome == .caughtUp, buffer.isEmpty, engine.log.isPoisoned {
      try engine.pipeline.requireHealth()
    }
    return outcome
  }

  private func element(_ decoded: ChangeDecoder.Decoded) -> CommittedChanges {
    let mark = follower.mark
    let floor = min(decoder.floor ?? mark.position, mark.position)
    return CommittedChanges(
      timestamp: decoded.timestamp, transaction: decoded.transaction,
      keyspaceEvents: decoded.keyspaceEvents, changes: decoded.changes,
      token: ChangeToken(database: engine.id, mark: mark, floor: floor))
  }

  private func told(_ error: any Error) -> any Error {
    switch error {
    case let error as LogError: return DatabaseError(error)
    case let error as LogPositionLost:
      return DatabaseError(
        .positionLost,
        "the change feed cannot go on: \(error.reason); begin anew from a snapshot, and raise "
          + "Configuration.changeRetention if consumers may fall so far behind")
    default: return error
    }
  }
}
