internal import Primitives

/// What a read-write transaction is asked to be.
struct TransactionOptions: Sendable {
  var isolation: IsolationLevel
  var control: any ConcurrencyProtocol
  var durability: Durability
  var retry: RetryPolicy
  /// How long one wait for a lock may take; the configuration's when nil.
  var lockTimeout: Duration?
  /// A moment on the monotonic clock at which the caller does not care any more; nil: never.
  var end: UInt64?
  var cancellation: CancellationFlag?
  /// What the program calls it.
  var label: StaticString?
}
