/// A call into the file system failed.
@usableFromInline
package struct FileError: Error, Hashable, Sendable {
  /// Which call.
  package enum Call: String, Sendable, Hashable, CaseIterable {
    case open, createDirectory, list, kind, rename, remove, syncDirectory, lock
    case read, write, sync, size, truncate, allocate, punchHole
  }

  package let call: Call
  package let path: String
  /// The platform's error number.
  package let number: Int32

  package init(call: Call, path: String, number: Int32) {
    self.call = call
    self.path = path
    self.number = number
  }
}
