package import Environment

/// Drops all news.
package struct DiscardedEvents: EventSink {
  package init() {}

  package func report(_ event: Event) {}
}

/// Hands all news to a closure, on the thread that reports them.
package struct EventHandler: EventSink {
  private let handle: @Sendable (Event) -> Void

  package init(_ handle: @escaping @Sendable (Event) -> Void) { self.handle = handle }

  package func report(_ event: Event) { handle(event) }
}
