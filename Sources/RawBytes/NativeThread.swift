internal import CMartlet
internal import Synchronization

/// A thread of the operating system, with a name and a stack of its own.
///
/// - Invariant T1: the body, and all that it captured, is released on the thread itself, before
///   `join` returns.
// SAFETY: the box travels to the thread by one retained pointer that the thread releases.
@safe
package final class NativeThread: Sendable {
  /// Deep enough for descents with inlined pages on the stack, small enough for many threads.
  package static let defaultStackByteCount = 2 << 20

  private let handle: UInt
  private let isJoined = Atomic<Bool>(false)

  /// Starts the thread; traps when the system has no thread to give.
  package init(
    name: String, stackByteCount: Int = NativeThread.defaultStackByteCount,
    _ body: @escaping @Sendable () -> Void
  ) {
    let box = unsafe Unmanaged.passRetained(Body(body))
    var thread: UInt = 0
    let error = unsafe martlet_thread_start(
      name, stackByteCount,
      { context in
        guard let context = unsafe context else { return }
        let box = unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
        box.run()
      }, box.toOpaque(), &thread)
    guard error == 0 else { fatalError("no thread for \(name): error \(error)") }
    handle = thread
  }

  deinit {
    if !isJoined.load(ordering: .acquiring) { martlet_thread_detach(handle) }
  }

  /// Waits until the body has returned. Call at most once, and not from the thread itself.
  package func join() {
    let joinedBefore = isJoined.exchange(true, ordering: .acquiringAndReleasing)
    precondition(!joinedBefore, "a thread is joined once")
    martlet_thread_join(handle)
  }

  /// Tells the calling thread from every other that is alive.
  package static var currentIdentity: UInt { UInt(martlet_thread_identity()) }

  private final class Body {
    private var body: (() -> Void)?

    init(_ body: @escaping () -> Void) { self.body = body }

    func run() {
      body?()
      body = nil
    }
  }
}

/// How many forks lie between the first process and this one: whoever remembers it can tell later
/// whether it woke up in a child (rule F8).
package enum ForkDepth {
  package static var current: UInt32 { martlet_fork_depth() }
}
