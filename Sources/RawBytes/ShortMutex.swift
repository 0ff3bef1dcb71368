/// Mutual exclusion for sections of nanoseconds, under contention and with more threads than
/// processors.
///
/// The mutex of the standard library hands itself over to a waiter in the kernel on Linux: fair, but
/// every contended section then costs two switches of threads, and eight writers on two processors
/// ran at a twentieth of the speed of one. Here whoever comes first takes it: a newcomer may
/// overtake one who sleeps, which for short sections costs nobody anything that can be measured.
/// After Drepper, "Futexes are tricky" (2011), the second mutex.
///
/// - Invariant SM1: one holder at a time; what it did is seen by the next.
/// - Invariant SM2: the word is 0 when free, 1 when held, 2 when held and somebody may sleep: whoever
///   frees a 2 wakes one sleeper, and whoever wakes takes it as a 2.
/// - Invariant SM3: no section contains a call into a seam of the environment, and none waits.
// SAFETY: the value is reached only by the holder. False if a section lets a reference to it escape.
// SENDABLE: the holder alone touches the value, and the word is atomic.
@safe
@frozen
@usableFromInline
package struct ShortMutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline let word: WaitWord
  @usableFromInline let value: UnsafeMutablePointer<Value>

  package init(_ initial: consuming sending Value) {
    word = WaitWord(0)
    unsafe value = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    unsafe value.initialize(to: initial)
  }

  deinit {
    unsafe value.deinitialize(count: 1)
    unsafe value.deallocate()
  }

  /// Runs a section as the only holder.
  @inlinable
  package borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    if !word.compareExchange(0, 1) { word.lockSlowly() }
    defer { if word.exchange(0) == 2 { word.wake() } }
    return try unsafe body(&value.pointee)
  }
}

extension WaitWord {
  /// Turns that a waiter spins before it sleeps: longer than any section takes.
  private static var spinLimit: Int { 64 }

  /// Takes a mutex that was held a moment ago (SM2).
  @usableFromInline
  @inline(never)
  borrowing func lockSlowly() {
    for _ in 0..<Self.spinLimit {
      Processor.pause()
      if load() == 0, compareExchange(0, 1) { return }
    }
    while exchange(2) != 0 { wait(while: 2, nanoseconds: nil) }
  }
}
