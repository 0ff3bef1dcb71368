/// A keyspace of a dump, or a database as LMDB and Berkeley DB call it.
package struct DumpSection: Equatable {
  /// Nil where the dump gives none: the only database of a file.
  package var name: String?
  /// As the catalog has them.
  package var options: [UInt8] = []
  /// Whether an entry without an expiry stays for good; where the format knows none, the keyspace
  /// that it comes to decides.
  package var tellsExpiry = false
}

/// A key and its value, and where they stand.
package struct DumpEntry: Equatable {
  package var key: [UInt8]
  package var value: [UInt8]
  /// When it expires, in nanoseconds since 1970; zero for never.
  package var expiry: UInt64 = 0
  /// The line of the key.
  package var line: Int
}

/// Reads dumps of all formats; the first line tells which it is.
///
/// Hostile input ends it with an error that names the line. Memory grows with the longest line.
///
/// ```text
///  nextSection ──► nextEntry, nextEntry, … nil ──► nextSection ──► … ──► nil
/// ```
///
/// - Invariant DR1: a dump that was cut short is an error, wherever it was cut.
/// - Invariant DR2: two entries behind each other never have the same key.
package struct DumpReader {
  private enum Format {
    case martlet(MartletDumpReader)
    case table(TableDumpReader)
  }

  private var lines: DumpLines
  private var format: Format?
  private var lastKey: [UInt8]?
  private var isInSection = false

  package init(_ source: @escaping () throws -> [UInt8]?) { lines = DumpLines(source) }

  /// The next section; nil when there is none left. The entries of the one before were all taken.
  package mutating func nextSection() throws -> DumpSection? {
    precondition(!isInSection, "the entries of a section are taken before the next")
    lastKey = nil
    if format == nil { format = try begin() }
    let section: DumpSection?
    switch format {
    case .martlet(var reader):
      section = try reader.nextSection(&lines)
      format = .martlet(reader)
    case .table(var reader):
      section = try reader.nextSection(&lines)
      format = .table(reader)
    case nil: section = nil
    }
    isInSection = section != nil
    return section
  }

  /// The next entry of the section; nil at its end.
  package mutating func nextEntry() throws -> DumpEntry? {
    guard isInSection else { return nil }
    let entry: DumpEntry?
    switch format {
    case .martlet(var reader):
      entry = try reader.nextEntry(&lines)
      format = .martlet(reader)
    case .table(let reader): entry = try reader.nextEntry(&lines)
    case nil: entry = nil
    }
    guard let entry else {
      isInSection = false
      return nil
    }
    if entry.key == lastKey {
      throw DumpLines.error(
        entry.line,
        "key \(DatabaseError.quoted(entry.key)) is the one before it again; a key has one value here"
      )
    }
    lastKey = entry.key
    return entry
  }

  private mutating func begin() throws -> Format {
    guard let first = try lines.next() else { throw lines.error("there is none") }
    if first.starts(with: MartletDumpReader.firstWord.utf8) {
      return .martlet(try MartletDumpReader(firstLine: first, lines))
    }
    if first.starts(with: TableDumpReader.firstWord.utf8) {
      return .table(TableDumpReader(firstLine: first))
    }
    throw lines.error(
      "it begins neither as a dump of Martlet nor as one of LMDB or Berkeley DB")
  }
}
