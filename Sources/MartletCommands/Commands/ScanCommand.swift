package import ArgumentParser
internal import Martlet

/// `martlet scan`: entries in key order.
package struct ScanCommand: ParsableCommand {
  /// The forms of output.
  package enum Format: String, ExpressibleByArgument {
    case tsv
    case jsonl
  }

  package static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Print entries in key order.",
    discussion: """
      Prints from --from, inclusive, up to --to, exclusive, as one snapshot has them. TSV is a \
      key, a tab and a value on a line; tabs, line feeds, carriage returns and backslashes inside \
      them are written \\t, \\n, \\r and \\\\, so that load reads back the same bytes. JSON lines are \
      {"key":…,"value":…}; bytes that are not UTF-8 appear in Base64 as keyBase64 or valueBase64.

      Examples:
        martlet scan cities.db --from A --to C
        martlet scan cities.db --prefix Re --limit 10 --format jsonl
        martlet scan events.db --reverse --limit 1
        martlet scan cities.db --keys-only | wc -l
      """)

  @OptionGroup package var arguments: DatabaseArguments

  @Option(help: "The first key.")
  package var from: String?

  @Option(help: "The first key past the end.")
  package var to: String?

  @Option(help: "Only keys that begin so.")
  package var prefix: String?

  @Flag(help: "From the last key to the first.")
  package var reverse = false

  @Option(help: "Entries, at most.")
  package var limit: Int?

  @Option(help: "tsv or jsonl.")
  package var format: Format = .tsv

  @Flag(help: "The same as --format jsonl.")
  package var json = false

  @Flag(help: "Print keys without values.")
  package var keysOnly = false

  package init() {}

  package func validate() throws {
    if prefix != nil && (from != nil || to != nil) {
      throw ValidationError("--prefix excludes --from and --to")
    }
    if let limit, limit < 0 { throw ValidationError("--limit must not be negative") }
  }

  private func bounds() throws -> KeyBounds {
    switch (prefix, from, to) {
    case (let prefix?, _, _): try .prefix(prefix)
    case (nil, let from?, let to?): try .range(from: from, to: to)
    case (nil, let from?, nil): try .from(from)
    case (nil, nil, let to?): try .upTo(to)
    case (nil, nil, nil): .all
    }
  }

  package func run() throws {
    let bounds = try bounds()
    try arguments.withExistingDatabase { database in
      let keyspace = try arguments.existingKeyspace(in: database)
      var output = Output()
      var isFirst = true
      try database.read { (snapshot: borrowing Snapshot) in
        func write(_ key: RawSpan, _ value: [UInt8]?) throws -> ScanStep {
          let key = [UInt8](valueBytes: key) ?? []
          try output.append { bytes in
            if isFirst, !json, format == .tsv { bytes += TabSeparated.opening(key) }
            append(key: key, value: value, to: &bytes)
          }
          isFirst = false
          return .continue
        }
        if keysOnly {
          try snapshot.forEachKey(in: keyspace, bounds, reverse: reverse, limit: limit) { key, _ in
            try write(key, nil)
          }
        } else {
          try snapshot.forEach(in: keyspace, bounds, reverse: reverse, limit: limit) {
            key, value in try write(key, [UInt8](valueBytes: value) ?? [])
          }
        }
      }
      try output.flush()
    }
  }

  private func append(key: [UInt8], value: [UInt8]?, to bytes: inout [UInt8]) {
    switch json ? .jsonl : format {
    case .tsv:
      TabSeparated.append(record: value.map { [key, $0] } ?? [key], to: &bytes)
    case .jsonl:
      var members = [JSON.member("key", bytes: key)]
      if let value { members.append(JSON.member("value", bytes: value)) }
      JSON.object(members).append(to: &bytes)
      bytes.append(0x0A)
    }
  }
}
