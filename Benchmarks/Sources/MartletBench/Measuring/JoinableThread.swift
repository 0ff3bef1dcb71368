#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A thread whose end can be waited for, to its very last destructor.
///
/// Foundation's threads cannot be joined, and it matters: LMDB releases a thread's reader slot when
/// the thread exits, in memory that closing the environment unmaps.
final class JoinableThread {
  #if canImport(Darwin)
    private let handle: pthread_t?
  #else
    private let handle: pthread_t
  #endif

  init(_ body: @escaping @Sendable () -> Void) {
    // SAFETY: the box is retained here and released once, by the thread, which `pthread_create`
    // starts exactly when it returns zero.
    let box = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
    #if canImport(Darwin)
      var handle: pthread_t?
    #else
      var handle = pthread_t()
    #endif
    let code = unsafe pthread_create(
      &handle, nil,
      { context in
        #if canImport(Darwin)
          let box = unsafe context
        #else
          let box = unsafe context!
        #endif
        unsafe Unmanaged<Body>.fromOpaque(box).takeRetainedValue().run()
        return nil
      }, box)
    precondition(code == 0, "no thread can be started: error \(code)")
    self.handle = handle
  }

  /// Waits until the thread is gone. Called once.
  func join() {
    // SAFETY: the handle is of a thread that was started, and is joined once.
    #if canImport(Darwin)
      if let handle = unsafe handle { unsafe pthread_join(handle, nil) }
    #else
      pthread_join(handle, nil)
    #endif
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
