internal import Foundation
internal import Martlet
internal import Synchronization

/// One session of `drive`: a thread of its own that carries out the session's requests in order,
/// each before the next.
///
/// A transaction lives inside one call of `transact` on that thread, which takes requests from
/// the queue until `commit` or `abort`. So a session that waits holds up nobody else.
final class DriveSession: Sendable {
  /// A request, or the end of the session.
  private enum Message: Sendable {
    case request(id: JSON, SessionOperation)
    case end
  }

  /// Why a transaction ends: decided inside its closure, answered after it.
  private enum Ending {
    case commit(id: JSON)
    case abort(id: JSON)
    case failed(id: JSON, DriveReply.Outcome)
    case sessionEnd
  }

  /// Thrown out of the closure to roll back.
  private struct RolledBack: Error {}

  private let name: String
  private let database: Database
  private let keyspace: Keyspace
  private let reply: @Sendable (DriveReply) -> Void
  private let messages = MessageQueue<Message>()
  private let finished = DispatchSemaphore(value: 0)

  init(
    name: String, database: Database, keyspace: Keyspace,
    reply: @escaping @Sendable (DriveReply) -> Void
  ) {
    self.name = name
    self.database = database
    self.keyspace = keyspace
    self.reply = reply
    let thread = Thread { self.run() }
    thread.name = "drive \(name)"
    thread.start()
  }

  /// Queues a request.
  func receive(_ operation: SessionOperation, id: JSON) {
    messages.push(.request(id: id, operation))
  }

  /// Ends the session behind the requests that are queued: an open transaction is rolled back.
  func end() { messages.push(.end) }

  /// Waits until the session has ended.
  func join() { finished.wait() }

  // MARK: The session's thread

  private func run() {
    defer { finished.signal() }
    while case .request(let id, let operation) = messages.pop() {
      if case .begin(let level, let choice) = operation {
        if !runTransaction(level, choice, begin: id) { return }
      } else {
        reply(DriveReply(id: id, .error("no transaction is open in session \(name)")))
      }
    }
  }

  /// Runs one transaction. False when the session ended inside it.
  private func runTransaction(_ level: DriveLevel, _ choice: DriveProtocol?, begin: JSON) -> Bool {
    var began = false
    var ending: Ending?
    do {
      let committed = try database.transact(
        isolation: level.isolation, using: choice?.using, retry: .never
      ) { (transaction: borrowing Transaction) in
        began = true
        reply(DriveReply(id: begin, .ok(.null)))
        let reached = serve(transaction)
        ending = reached
        guard case .commit = reached else { throw RolledBack() }
      }
      if case .commit(let id)? = ending {
        let timestamp = committed.timestamp.map { JSON($0.rawValue) } ?? .null
        reply(DriveReply(id: id, .ok(["timestamp": timestamp])))
      }
      return true
    } catch {
      switch ending {
      case nil where !began:
        reply(DriveReply(id: begin, .error(ToolError(describing: error).description)))
      case nil, .sessionEnd: return false
      case .commit(let id): reply(DriveReply(id: id, Self.commitFailure(error)))
      case .abort(let id): reply(DriveReply(id: id, .ok(.null)))
      case .failed(let id, let outcome): reply(DriveReply(id: id, outcome))
      }
      return true
    }
  }

  /// A commit that failed is over, whatever the error.
  private static func commitFailure(_ error: any Error) -> DriveReply.Outcome {
    let code = (error as? DatabaseError)?.code.name ?? "inputOutput"
    return .aborted(reason: ToolError(describing: error).description, code: code)
  }

  /// Carries out requests until one of them ends the transaction.
  private func serve(_ transaction: borrowing Transaction) -> Ending {
    var savepoints = DriveSavepoints()
    while case .request(let id, let operation) = messages.pop() {
      switch operation {
      case .begin:
        reply(DriveReply(id: id, .error("session \(name) has a transaction open already")))
      case .commit: return .commit(id: id)
      case .abort: return .abort(id: id)
      default:
        let outcome: DriveReply.Outcome
        do {
          outcome = .ok(
            try savepoints.perform(operation, in: transaction)
              ?? keyspace.perform(operation, in: transaction))
        } catch {
          outcome = DriveReply.Outcome(failedWith: error)
        }
        if case .aborted = outcome { return .failed(id: id, outcome) }
        reply(DriveReply(id: id, outcome))
      }
    }
    return .sessionEnd
  }
}

extension DriveLevel {
  fileprivate var isolation: IsolationLevel {
    switch self {
    case .readUncommitted: .readUncommitted
    case .readCommitted: .readCommitted
    case .repeatableRead: .repeatableRead
    case .snapshot: .snapshot
    case .serializable: .serializable
    case .strictSerializable: .strictSerializable
    }
  }
}

extension DriveProtocol {
  fileprivate var using: TransactionProtocol {
    switch self {
    case .twoPhaseLocking: .twoPhaseLocking
    case .optimistic: .optimistic
    case .serializableSnapshot: .serializableSnapshot
    }
  }
}

/// The savepoints of a transaction by name; a newer one hides an older one of its name, and rolling
/// back to one gives up those made after it.
private struct DriveSavepoints {
  private var made: [(name: String, savepoint: Savepoint)] = []

  /// Carries out an operation if it is about savepoints; nil when it is not.
  mutating func perform(_ operation: SessionOperation, in transaction: borrowing Transaction) throws
    -> JSON?
  {
    switch operation {
    case .savepoint(let name):
      made.append((name, try transaction.savepoint()))
      return .null
    case .rollBack(let name):
      guard let index = made.lastIndex(where: { $0.name == name }) else {
        throw DriveRefusal("there is no savepoint \(name)")
      }
      try transaction.rollBack(to: made[index].savepoint)
      made.removeLast(made.count - index - 1)
      return .null
    default: return nil
    }
  }
}

/// A queue between threads. One thread takes; any number put.
final class MessageQueue<Message: Sendable>: Sendable {
  private let messages = Mutex<[Message]>([])
  private let available = DispatchSemaphore(value: 0)

  func push(_ message: Message) {
    messages.withLock { $0.append(message) }
    available.signal()
  }

  /// Waits for a message.
  func pop() -> Message {
    available.wait()
    return messages.withLock { $0.removeFirst() }
  }
}
