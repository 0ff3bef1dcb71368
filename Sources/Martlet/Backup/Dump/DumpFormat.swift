/// How a dump writes a database down as text.
public enum DumpFormat: Sendable, Hashable {
  /// The own format: all keyspaces with their options, text as text (`format-spec/dump.md`).
  case martlet
  /// As `mdb_dump` writes it and `mdb_load` of LMDB reads it.
  case lmdb(DumpNotation = .bytes)
  /// As `db_dump` writes it and `db_load` of Berkeley DB reads it.
  case berkeleyDB(DumpNotation = .bytes)
}

/// How dumps of LMDB and Berkeley DB write bytes down.
public enum DumpNotation: String, Sendable, Hashable, CaseIterable {
  /// `format=bytevalue`: two hexadecimal digits for each byte.
  case bytes = "bytevalue"
  /// `format=print`: printable ASCII as it is, everything else as a backslash and two digits.
  ///
  /// LMDB's own tools before 0.9.26 neither write nor read a backslash so that it comes back; use
  /// `bytes` for those.
  case printable = "print"
}

/// How far a dump, or the loading of one, is.
public struct DumpProgress: Sendable, Hashable {
  /// The keyspace it is at.
  public let keyspace: String
  /// Entries so far, in all keyspaces.
  public let entryCount: Int
  /// Their keys and values, in bytes.
  public let byteCount: Int
}

/// What was dumped or loaded.
public struct DumpSummary: Sendable, Hashable {
  /// Its keyspaces, in the order of the dump.
  public internal(set) var keyspaces: [String] = []
  /// Entries in all of them.
  public internal(set) var entryCount = 0
  /// Their keys and values, in bytes.
  public internal(set) var byteCount = 0
}
