public import Environment
public import Primitives

/// Why the pager could not do what it was asked.
@usableFromInline
package enum PagingError: Error, Equatable, Sendable {
  /// Stored bytes are not what was written.
  case corrupt(CorruptionError)
  /// A call into the file system failed. Nothing is changed.
  case file(FileError)
  /// No space on the volume. Nothing is changed, and work resumes when space returns (F10).
  case diskFull(path: String)
  /// A sync failed earlier: nothing more becomes durable in this process (F1).
  case poisoned
  /// Written by a newer program. Equal numbers: by one that uses features this one does not know.
  case newerFormat(found: UInt32, supported: UInt32)
  case notADatabase(path: String, why: String)
  /// All 2^32 - 1 page ids are in use.
  case pageIDsExhausted
  /// Every frame stayed latched, pinned or reserved: the cache is too small for the threads.
  case cacheExhausted(frames: Int)
}
