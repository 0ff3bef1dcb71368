/// The values of a live query: `Database.observe` makes it and says what it promises.
///
/// A recipe, not a running observation: each iterator observes for itself, from the first call of
/// `next` until it is let go, its task is cancelled, or the database is closed.
///
/// `next` throws
/// - what the closure threw, other than failures of the engine that pass. The observation goes on: a
///   further `next` waits until what the closure had read has changed, and reads again. A `for try
///   await` loop is left by a throw, so a loop that shall survive errors runs over ``results``.
/// - `closed`, `corrupt`, `poisoned`, `commitUnknown`, `keyspaceDropped`, or `collectionNotOpen` for a
///   collection that was dropped; then it has ended. It waits for one that is not open yet.
///
/// When its task is cancelled, `next` returns nil.
public struct LiveValues<Value: Sendable>: AsyncSequence, Sendable {
  /// What the closure returns.
  public typealias Element = Value
  /// What `next` throws.
  public typealias Failure = any Error

  let database: Database
  let read: @Sendable (borrowing Snapshot) throws -> Value
  let areSame: (@Sendable (Value, Value) -> Bool)?

  /// The same live query without ending at errors: each element is a value or what went wrong.
  public var results: LiveResults<Value> { LiveResults(values: self) }

  /// Begins an observation; nothing is read before `next`.
  public func makeAsyncIterator() -> Iterator {
    Iterator(subscription: LiveSubscription(self, tellsPassingFailures: false))
  }

  /// One observation. For one task at a time.
  public struct Iterator: AsyncIteratorProtocol {
    let subscription: LiveSubscription<Value>

    /// The next value: the newest state, once it differs in what was read from the one before.
    public mutating func next() async throws -> Value? {
      switch await subscription.next() {
      case .value(let value): return value
      case .failure(let error): throw error
      case .ended: return nil
      }
    }
  }
}

extension LiveValues where Value: Equatable {
  /// The same live query without values equal to the one before: a commit may write what the closure
  /// reads and leave its result as it was.
  public func removingDuplicates() -> LiveValues<Value> {
    LiveValues(database: database, read: read, areSame: { $0 == $1 })
  }
}

/// A live query that no error ends before the database does: ``LiveValues/results``.
///
/// Errors are elements. After what the closure threw, the next element comes when what it had read
/// has changed. A failure of the engine that passes is told only when it has lasted for several
/// attempts, and reading is tried again. After an error that ends the observation comes nil.
public struct LiveResults<Value: Sendable>: AsyncSequence, Sendable {
  /// A value or an error.
  public typealias Element = Result<Value, any Error>
  /// It never throws.
  public typealias Failure = Never

  let values: LiveValues<Value>

  /// Begins an observation; nothing is read before `next`.
  public func makeAsyncIterator() -> Iterator {
    Iterator(subscription: LiveSubscription(values, tellsPassingFailures: true))
  }

  /// One observation. For one task at a time.
  public struct Iterator: AsyncIteratorProtocol {
    let subscription: LiveSubscription<Value>

    /// The next value, or what went wrong; nil at the end.
    public mutating func next() async -> Result<Value, any Error>? {
      switch await subscription.next() {
      case .value(let value): return .success(value)
      case .failure(let error): return .failure(error)
      case .ended: return nil
      }
    }
  }
}
