extension Database {
  /// Ends all work by a deadline and lets the directory go, so that the system may suspend the process
  /// at any later moment without killing it for a lock, and without anything half done.
  ///
  /// Nothing begins any more: it throws `suspended`. What runs has three quarters of the time to end;
  /// then its next call throws `suspended` and it is rolled back. When this returns, every acknowledged
  /// commit is on the medium, relaxed ones as well, and nothing touches the files until ``resume()``.
  /// Memory stays as it is, and so do handles, change feeds and live queries.
  ///
  /// A checkpoint that is being written is waited for, also beyond the deadline. A closure that is busy
  /// outside the database is not: it finds out at its next call, after `resume`.
  /// Must not be called from inside a transaction. Does nothing when the database is suspended.
  /// - Throws: `closed`; `commitUnknown` when the log could not be made durable: the database is
  ///   suspended all the same, and poisoned.
  public func suspend(within time: Duration = .seconds(2)) throws {
    try engine.suspend(within: time.nanoseconds)
  }

  /// Takes the directory again after ``suspend(within:)``, and goes on. Does nothing when the database is
  /// not suspended.
  ///
  /// - Throws: `alreadyOpen` while another process has it: it stays suspended, try again.
  ///   `changedWhileSuspended` when another one had it: close this database and open it again.
  ///   `dataProtected` while the device is locked: try again. `closed`.
  public func resume() throws { try engine.resume() }

  /// Whether the database is suspended: between ``suspend(within:)`` and ``resume()``.
  public var isSuspended: Bool {
    switch engine.life.stage {
    case .suspending, .suspended, .lost: true
    case .open, .closed: false
    }
  }
}
