package import Environment
internal import RawBytes

/// Threads of the operating system.
package struct SystemBackgroundWork: BackgroundWork {
  package init() {}

  package func start(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) -> any BackgroundThread {
    SystemThread(thread: NativeThread(name: name, body))
  }
}

private struct SystemThread: BackgroundThread {
  let thread: NativeThread

  func join() { thread.join() }
}
