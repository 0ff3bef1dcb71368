package import ArgumentParser
package import Martlet

/// `martlet load`: a table or JSON lines into a keyspace.
package struct LoadCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Load TSV, CSV or JSON lines.",
    discussion: """
      Each record becomes one entry. Its key is the column --key. Its value is the column \
      --value, or, without it, all other columns: with a header as a JSON object, else as TSV. \
      A single other column is the value as it stands, so that what scan prints loads back. Of a \
      JSON line the key is the field --key, and the value is the whole line, or the field --value.

      The rows go in in batches, each of them one transaction. When a line is wrong, the command \
      ends with its number, and the database stays as it was before that line's batch.

      With --bulk the rows become a new keyspace as a whole, several times as fast: either all of \
      them are there afterwards, after a crash as well, or there is no such keyspace. They may come \
      in any order, and of rows with the same key the last one counts; what exceeds --sort-memory \
      is sorted in files inside the database's directory. With --sorted they must be in ascending \
      order of their keys, bytewise, and are not sorted.

      Examples:
        martlet load cities.db cities.csv --key name
        martlet load cities.db cities.csv --header --key 1 --value 3
        martlet load app.db users.jsonl --key id --keyspace users
        martlet load chars.db UnicodeData.txt --format csv --delimiter ';' --key 1
        martlet scan old.db | martlet load new.db - --format tsv
        martlet load cities.db cities.csv --key name --bulk --keyspace cities
        martlet scan old.db | martlet load new.db - --format tsv --bulk --sorted
      """)

  @OptionGroup package var arguments: DatabaseArguments

  @Argument(help: "The file to load; - is standard input.", completion: .file())
  package var file: String

  @Option(help: "What the file holds; without it, its name tells.")
  package var format: InputFormat?

  @Option(
    name: [.customLong("key"), .customLong("key-column")],
    help: "The key: a column's number or name, or a field's name.")
  package var keyColumn: Column = .number(1)

  @Option(
    name: [.customLong("value"), .customLong("value-column")],
    help: "The value: a column's number or name, or a field's name.")
  package var valueColumn: Column?

  @Flag(help: "The first line names the columns; naming a column implies it.")
  package var header = false

  @Option(help: "What separates the fields of CSV: one ASCII character.")
  package var delimiter: String = ","

  @Flag(help: "Take backslashes in TSV as they stand, not as \\t, \\n, \\r and \\\\.")
  package var literalBackslashes = false

  @Option(name: [.customLong("batch"), .customLong("batch-size")], help: "Rows in a transaction.")
  package var batchSize: Int = 10_000

  @Option(help: "What each batch survives: full, ordered or relaxed.")
  package var durability: Durability = .full

  @Flag(help: "Make a new keyspace of all rows at once.")
  package var bulk = false

  @Flag(help: "With --bulk: the rows are in ascending order of their keys.")
  package var sorted = false

  @Option(help: "With --bulk: MiB of memory in which rows are sorted.")
  package var sortMemory: Int = 64

  @Flag(help: "Say at the end in JSON what was done, and show no progress.")
  package var json = false

  /// A batch ends here even when it has fewer rows, well below the limit of a transaction.
  private static let batchByteLimit = 16 << 20

  package init() {}

  package func validate() throws {
    guard batchSize > 0 else { throw ValidationError("--batch must be at least 1") }
    guard (1...1 << 20).contains(sortMemory) else {
      throw ValidationError("--sort-memory must be from 1 to \(1 << 20) MiB")
    }
    guard bulk || !sorted else { throw ValidationError("--sorted goes with --bulk") }
    guard delimiter.utf8.count == 1 else {
      throw ValidationError("--delimiter must be one ASCII character")
    }
  }

  private func layout() throws -> InputLayout {
    guard let format = format ?? InputFormat(fileName: file) else {
      throw ToolError("\(file): the name does not tell the format; use --format tsv, csv or jsonl")
    }
    if format == .jsonl, case .number(1) = keyColumn {
      throw ToolError("\(file): JSON lines need --key with the name of the key's field")
    }
    return InputLayout(
      format: format, key: keyColumn, value: valueColumn, hasHeader: header,
      delimiter: delimiter.utf8.first ?? 0x2C, backslashesAreLiteral: literalBackslashes)
  }

  package func run() throws {
    let layout = try layout()
    if bulk { return try build(RowReader(source: try ByteSource(path: file), layout: layout)) }
    var reader = RowReader(source: try ByteSource(path: file), layout: layout)
    var progress = ProgressReporter(noun: "rows", isQuiet: json)
    // The first batch is read before the database is opened: wrong input leaves no trace.
    var rows = try reader.batch(limit: batchSize, byteLimit: Self.batchByteLimit)
    var total = 0
    try arguments.withDatabase(durability: durability) { database in
      let keyspace = try database.keyspace(arguments.keyspace)
      while !rows.isEmpty {
        try write(rows, to: keyspace, of: database, already: total)
        total += rows.count
        let source = reader.source
        progress.update(
          count: total,
          fraction: source.byteCount.map { Double(source.consumedByteCount) / Double(max($0, 1)) })
        do {
          rows = try reader.batch(limit: batchSize, byteLimit: Self.batchByteLimit)
        } catch let error as ToolError {
          throw ToolError("\(error.description) (\(kept(total)))")
        }
      }
    }
    progress.finish()
    try report(total, in: progress.elapsed)
  }

  private func write(
    _ rows: [Row], to keyspace: Keyspace, of database: Database, already total: Int
  ) throws {
    // Where it stands in the batch; at the commit, the batch as a whole.
    let lines = rows[0].line...rows[rows.count - 1].line
    var place = ""
    do {
      try database.write(durability: durability) { (transaction: borrowing Transaction) in
        for row in rows {
          place = "\(row.line)"
          try transaction.set(row.value, for: row.key, in: keyspace)
        }
        place = lines.count == 1 ? place : "\(lines.lowerBound)-\(lines.upperBound)"
      }
    } catch let error as DatabaseError {
      throw ToolError("\(file):\(place): \(error.message) (\(kept(total)))")
    }
  }

  private func kept(_ total: Int) -> String {
    "\(Figures.count(total, "row")) of earlier batches loaded, none of this one"
  }

  func report(_ total: Int, in elapsed: Duration) throws {
    let line = ProgressLine(count: total, noun: "rows", fraction: nil, elapsed: elapsed)
    var output = Output()
    if json {
      let summary: JSON = [
        "rows": JSON(total), "seconds": .number(Figures.fixed(Figures.seconds(elapsed), digits: 6)),
        "keyspace": .string(arguments.keyspace),
      ]
      try output.line(summary.text)
    } else {
      try output.line(
        "loaded \(Figures.count(total, "row")) into \(arguments.keyspace) "
          + "in \(Figures.time(elapsed))"
          + (line.rate.map { " (\(Figures.count($0)) rows/s)" } ?? ""))
    }
    try output.flush()
  }
}
