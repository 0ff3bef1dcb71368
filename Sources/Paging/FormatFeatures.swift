/// What a database uses that a program must know to read it: the incompatible features of the
/// superblock (`format-spec/superblock.md`). A program refuses a database with one that it does not
/// know.
package struct FormatFeatures: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Entries of leaves may expire.
  package static let expiry = FormatFeatures(rawValue: 1)

  /// All that this program knows.
  package static let known: FormatFeatures = [.expiry]
}
