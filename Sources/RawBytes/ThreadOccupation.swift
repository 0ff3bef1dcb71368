internal import CMartlet

/// What the calling thread is in the middle of, for whoever is called further down on it: a number
/// of an owner's.
package enum ThreadOccupation {
  /// The number, when it is this owner's.
  package static func number(of owner: AnyObject) -> UInt64? {
    let current = martlet_thread_occupation()
    return current.owner == address(owner) ? current.number : nil
  }

  /// Runs `body` in the middle of something; what was there before comes back after it.
  package static func with(
    _ number: UInt64, of owner: AnyObject, _ body: () throws -> Void
  ) rethrows {
    let before = martlet_thread_occupy(
      martlet_occupation(owner: address(owner), number: number))
    defer { _ = martlet_thread_occupy(before) }
    try body()
  }

  private static func address(_ owner: AnyObject) -> UInt {
    UInt(bitPattern: unsafe Unmanaged.passUnretained(owner).toOpaque())
  }
}
