internal import Synchronization

#if Tracing
  internal import Tracing
#endif

/// What a transaction tells to the span that is open for it.
// SENDABLE: an atomic only.
final class TransactionTrace: Sendable {
  private let lastAttempts = Atomic<Int>(1)

  /// How often its body ran.
  var attempts: Int { lastAttempts.load(ordering: .relaxed) }

  func note(attempts: Int) { lastAttempts.store(attempts, ordering: .relaxed) }
}

/// What kind of transaction a span is of.
enum TracedOperation: String {
  case write, read
}

/// Runs an asynchronous transaction inside a span of swift-distributed-tracing, named
/// `martlet.write` or `martlet.read`; without the package trait `Tracing` just runs it.
///
/// Attributes: `martlet.isolation`, `martlet.label` if it has one, `martlet.attempts`,
/// `martlet.outcome`: `committed`, `read`, `threw` (by its body), or the name of the
/// `DatabaseError.Code` that ended it.
#if Tracing
  func traced<Result: Sendable>(
    _ operation: TracedOperation, _ isolation: IsolationLevel, _ label: StaticString?,
    _ body: (TransactionTrace?) async throws -> Result
  ) async throws -> Result {
    try await withSpan("martlet.\(operation.rawValue)", ofKind: .internal) { span in
      let trace = TransactionTrace()
      span.attributes["martlet.isolation"] = isolation.rawValue
      if let label { span.attributes["martlet.label"] = "\(label)" }
      do {
        let result = try await body(trace)
        span.attributes["martlet.attempts"] = trace.attempts
        span.attributes["martlet.outcome"] = operation == .write ? "committed" : "read"
        return result
      } catch {
        // The span takes the error itself.
        let failure = error as? DatabaseError
        span.attributes["martlet.attempts"] = failure?.attempts ?? trace.attempts
        span.attributes["martlet.outcome"] = failure?.code.name ?? "threw"
        throw error
      }
    }
  }
#else
  func traced<Result: Sendable>(
    _ operation: TracedOperation, _ isolation: IsolationLevel, _ label: StaticString?,
    _ body: (TransactionTrace?) async throws -> Result
  ) async throws -> Result {
    try await body(nil)
  }
#endif
