internal import RawBytes

/// Objects that wait to be used again, by whichever thread.
final class Pool<Object: AnyObject>: Sendable {
  private let idle = ShortMutex<[Idle]>([])

  /// More are not in use at once but in a burst.
  private static var limit: Int { 16 }

  // SENDABLE: an object is held by the pool or by one user, and the mutex orders them.
  private struct Idle: @unchecked Sendable {
    let object: Object
  }

  func take() -> Object? {
    idle.withLock { $0.popLast() }?.object
  }

  /// Takes an object that its giver uses no more.
  func give(_ object: Object) {
    let object = Idle(object: object)
    idle.withLock { idle in
      if idle.count < Self.limit { idle.append(object) }
    }
  }
}
