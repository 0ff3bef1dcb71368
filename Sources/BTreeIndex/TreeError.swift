package import Paging
package import Primitives

/// Why a call on a tree failed. Unless the call says otherwise, nothing is changed.
package enum TreeError: Error, Equatable, Sendable {
  /// A page could not be had, or no frame or page id for a new one.
  case paging(PagingError)
  /// A page holds what the engine never writes.
  case corrupt(CorruptionError)
  /// The key is longer than an eighth of a page.
  case keyTooLong(byteCount: Int, limit: Int)
  /// A large value was given more or fewer bytes than announced.
  case lengthMismatch(announced: UInt64, given: UInt64)
}
