internal import Foundation
package import Martlet
internal import Synchronization

/// Serves the protocol of `martlet drive` on a database: lines in, replies out.
///
/// - Invariant D1: the requests of one session are carried out one after another, in the order
///   of their lines; those of different sessions go on at the same time.
/// - Invariant D2: each request gets exactly one reply, when it is done, as one call of `reply`.
/// - Invariant D3: `reset` takes effect between requests: those on earlier lines are done and
///   answered, open transactions rolled back, before any key is dropped.
package final class DriveServer {
  private let database: Database
  private let keyspaceName: String
  private var keyspace: Keyspace
  private let reply: @Sendable (DriveReply) -> Void
  private var sessions: [String: DriveSession] = [:]
  /// Dumps wait for nobody and hold up nobody.
  private let dumps = DispatchQueue(label: "drive dump")

  /// Serves a keyspace, which is created when it is not there. `reply` receives one line at a
  /// time, from any thread, never two at once.
  package init(
    database: Database, keyspaceName: String, reply: @escaping @Sendable (String) -> Void
  ) throws {
    self.database = database
    self.keyspaceName = keyspaceName
    keyspace = try database.keyspace(keyspaceName)
    let writer = ReplyWriter(write: reply)
    self.reply = { writer.write($0) }
  }

  /// Takes a line of input; blank lines are passed over. Returns when the request is queued, or,
  /// for a reset, when it is done. To be called by one thread.
  package func receive(line: some Collection<UInt8>) {
    guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return }
    do {
      let request = try DriveRequest(line: line)
      switch request.target {
      case .reset(let setup): reset(to: setup, id: request.id)
      case .dump: dump(id: request.id)
      case .session(let name, let operation):
        session(named: name).receive(operation, id: request.id)
      }
    } catch {
      let refusal = error as? DriveRefusal
      reply(DriveReply(id: refusal?.id ?? .null, DriveReply.Outcome(failedWith: error)))
    }
  }

  /// The end of input: rolls back what is open, after what was asked for is done.
  package func finish() {
    endSessions()
    dumps.sync {}
  }

  private func session(named name: String) -> DriveSession {
    if let session = sessions[name] { return session }
    let session = DriveSession(
      name: name, database: database, keyspace: keyspace, reply: reply)
    sessions[name] = session
    return session
  }

  /// All of them are told before any is waited for: one may wait for a lock of another.
  private func endSessions() {
    for session in sessions.values { session.end() }
    for session in sessions.values { session.join() }
    sessions = [:]
  }

  private func reset(to setup: [[UInt8]: DriveValue], id: JSON) {
    finish()
    do {
      try replaceState(by: setup)
      reply(DriveReply(id: id, .ok(.null)))
    } catch {
      reply(DriveReply(id: id, .error(ToolError(describing: error).description)))
    }
  }

  /// One transaction, so that a crash leaves either the old keys or the new ones. Only when
  /// there are too many for one, the keyspace is dropped and made again.
  private func replaceState(by setup: [[UInt8]: DriveValue]) throws {
    do {
      try database.write { (transaction: borrowing Transaction) in
        var old: [[UInt8]] = []
        try transaction.forEachKey(in: keyspace, .all, reverse: false, limit: nil) { key, _ in
          old.append([UInt8](valueBytes: key) ?? [])
          return .continue
        }
        for key in old { try transaction.remove(key, in: keyspace) }
        for (key, value) in setup { try transaction.set(value.bytes, for: key, in: keyspace) }
      }
    } catch let error as DatabaseError where error.code == .transactionTooLarge {
      try database.dropKeyspace(keyspaceName)
      keyspace = try database.keyspace(keyspaceName)
      try database.write { (transaction: borrowing Transaction) in
        for (key, value) in setup { try transaction.set(value.bytes, for: key, in: keyspace) }
      }
    }
  }

  private func dump(id: JSON) {
    dumps.async { [database, keyspace, reply] in
      do {
        var members: [JSON.Member] = []
        try database.read { (snapshot: borrowing Snapshot) in
          try snapshot.forEach(in: keyspace) { key, value in
            members.append(try JSON.Member(drivenKey: key, value: value))
            return .continue
          }
        }
        reply(DriveReply(id: id, .ok(.object(members))))
      } catch {
        let reason = (error as? DriveRefusal)?.reason ?? ToolError(describing: error).description
        reply(DriveReply(id: id, .error(reason)))
      }
    }
  }
}

/// Writes replies one at a time.
private final class ReplyWriter: Sendable {
  private let turn = Mutex(())
  private let writeLine: @Sendable (String) -> Void

  init(write: @escaping @Sendable (String) -> Void) { writeLine = write }

  func write(_ reply: DriveReply) {
    turn.withLock { _ in writeLine(reply.text) }
  }
}
