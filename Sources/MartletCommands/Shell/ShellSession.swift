internal import Foundation
package import Martlet
internal import Synchronization

/// The shell without its terminal: requests in, lines of output and a reply out, one at a time.
///
/// The engine's transactions live inside a closure, and the shell's live from prompt to prompt. So a
/// thread of the session's own runs the closure, which takes requests from a queue until one of them
/// ends it; whoever asks waits for the reply.
///
/// - Invariant SS1: each request gets one reply, in order.
/// - Invariant SS2: a transaction ends by `commit`, by `rollback`, by an error that aborted it, or
///   with the session, which rolls it back.
package final class ShellSession: Sendable {
  /// What became of a request.
  package struct Reply: Sendable, Equatable {
    /// Why it failed; nil: it did not.
    package var failure: String?
    /// What it came to, in a few words, such as "3 entries"; nil: nothing to say.
    package var note: String?
  }

  /// What the prompt shows.
  package struct Status: Sendable, Equatable {
    package var keyspace: String
    /// The level of the transaction that is open; nil: none is.
    package var level: IsolationLevel?
    package var savepoints: [String] = []
  }

  private enum Message: Sendable {
    case request(ShellRequest)
    case end
  }

  /// Why a transaction ends: decided inside its closure, answered after it.
  private enum Ending {
    case commit
    case rollBack
    case failed(any Error)
    case sessionEnd
  }

  /// Thrown out of the closure to roll back.
  private struct RolledBack: Error {}

  let database: Database
  let path: String
  let style: ShellStyle
  private let status_: Mutex<Status>
  private let isCancelled_ = Atomic<Bool>(false)
  private let requests = MessageQueue<Message>()
  private let replies = MessageQueue<Reply>()
  private let finished = DispatchSemaphore(value: 0)

  /// A session on an open database.
  ///
  /// - Parameter path: how messages call the database.
  package init(database: Database, path: String, keyspace: String, style: ShellStyle) {
    self.database = database
    self.path = path
    self.style = style
    status_ = Mutex(Status(keyspace: keyspace))
    let thread = Thread { self.run() }
    thread.name = "shell"
    thread.start()
  }

  package var status: Status { status_.withLock { $0 } }

  /// Carries out a request, and waits until it is done.
  package func perform(_ request: ShellRequest) -> Reply {
    isCancelled_.store(false, ordering: .relaxed)
    requests.push(.request(request))
    return replies.pop()
  }

  /// Stops what is being done, where it can be stopped: from any thread.
  package func cancel() { isCancelled_.store(true, ordering: .relaxed) }

  var isCancelled: Bool { isCancelled_.load(ordering: .relaxed) }

  /// Rolls back what is open and ends the session's thread.
  package func end() {
    requests.push(.end)
    finished.wait()
  }

  func change(_ body: (inout Status) -> Void) { status_.withLock { body(&$0) } }

  // MARK: The session's thread

  private func run() {
    defer { finished.signal() }
    while case .request(let request) = requests.pop() {
      switch request {
      case .begin(let level): if !runTransaction(level) { return }
      case .commit, .rollBack, .savepoint:
        replies.push(Reply(failure: "no transaction is open; begin opens one"))
      default:
        do {
          replies.push(Reply(note: try perform(request, in: nil)))
        } catch {
          replies.push(Reply(failure: ToolError(describing: error).description))
        }
      }
    }
  }

  /// Runs one transaction. False when the session ended inside it.
  private func runTransaction(_ level: IsolationLevel) -> Bool {
    var hasBegun = false
    var ending: Ending?
    defer {
      change { status in
        status.level = nil
        status.savepoints = []
      }
    }
    do {
      let committed = try database.transact(isolation: level, retry: .never, label: "shell") {
        (transaction: borrowing Transaction) in
        hasBegun = true
        change { $0.level = level }
        replies.push(Reply(note: "transaction open at \(level.rawValue)"))
        let reached = serve(transaction)
        ending = reached
        guard case .commit = reached else { throw RolledBack() }
      }
      answer(Reply(note: committed.timestamp.map { "committed at \($0)" } ?? "nothing was written"))
      return true
    } catch {
      switch ending {
      case nil where !hasBegun:
        replies.push(Reply(failure: ToolError(describing: error).description))
      case nil, .sessionEnd: return false
      case .commit:
        answer(
          Reply(failure: "the transaction was not committed: \(ToolError(describing: error))"))
      case .rollBack: answer(Reply(note: "rolled back"))
      case .failed(let cause):
        answer(Reply(failure: "\(ToolError(describing: cause)) (the transaction was rolled back)"))
      }
      return true
    }
  }

  /// Replies when the transaction is over: who asks next must find none.
  private func answer(_ reply: Reply) {
    change { status in
      status.level = nil
      status.savepoints = []
    }
    replies.push(reply)
  }

  /// Carries out requests until one of them ends the transaction.
  private func serve(_ transaction: borrowing Transaction) -> Ending {
    var savepoints: [(name: String, savepoint: Savepoint)] = []
    while case .request(let request) = requests.pop() {
      do {
        switch request {
        case .begin: throw ToolError("a transaction is open already; commit or rollback ends it")
        case .commit: return .commit
        case .rollBack(to: nil): return .rollBack
        case .savepoint(let name):
          savepoints.append((name, try transaction.savepoint()))
          replies.push(Reply(note: "savepoint \(name)"))
        case .rollBack(to: let name?):
          guard let index = savepoints.lastIndex(where: { $0.name == name }) else {
            throw ToolError("there is no savepoint \(name)")
          }
          try transaction.rollBack(to: savepoints[index].savepoint)
          savepoints.removeLast(savepoints.count - index - 1)
          replies.push(Reply(note: "back at \(name)"))
        default: replies.push(Reply(note: try performInTransaction(request, transaction)))
        }
        change { $0.savepoints = savepoints.map(\.name) }
      } catch let error as DatabaseError where !error.code.leavesTransactionOpen {
        return .failed(error)
      } catch {
        replies.push(Reply(failure: ToolError(describing: error).description))
      }
    }
    return .sessionEnd
  }
}
