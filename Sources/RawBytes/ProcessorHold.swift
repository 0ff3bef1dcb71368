internal import CMartlet

/// Keeps a thread, and all that it starts meanwhile, on one processor: for threads that take turns,
/// where waking an idle processor would cost more than the turn. Does nothing where the system
/// cannot.
package struct ProcessorHold {
  private let before: martlet_processors

  /// Stays where the calling thread is now.
  package init() { before = martlet_processors_narrow() }

  /// Lets the calling thread, which must be the one that held, go where it could before.
  package func release() { martlet_processors_widen(before) }
}
