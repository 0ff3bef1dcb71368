internal import Martlet

/// `martlet load --bulk`: all rows at once into a new keyspace.
extension LoadCommand {
  func build(_ rows: consuming RowReader) throws {
    var reader = rows
    // The first row is read before the database is opened: wrong input leaves no trace.
    var row = try reader.next()
    let line = BulkProgress(isQuiet: json)
    var total = 0
    try arguments.withDatabase(durability: durability) { database in
      do {
        try database.build(
          arguments.keyspace, order: sorted ? .ascending : .any(memory: sortMemory << 20),
          progress: { line.update($0) }
        ) { builder in
          while let next = row {
            do { try builder.append(next.key, next.value) } catch let error as DatabaseError {
              throw ToolError("\(file):\(next.line): \(error.message) (nothing was loaded)")
            }
            total += 1
            let source = reader.source
            line.fraction = source.byteCount.map {
              Double(source.consumedByteCount) / Double(max($0, 1))
            }
            do { row = try reader.next() } catch let error as ToolError {
              throw ToolError("\(error.description) (nothing was loaded)")
            }
          }
          line.fraction = nil
        }
      } catch let error as DatabaseError {
        throw ToolError("\(arguments.database): \(error.message) (nothing was loaded)")
      }
    }
    line.finish()
    try report(total, in: line.elapsed)
  }
}

/// The progress line of a build, which says what it does.
private final class BulkProgress {
  private var reporter: ProgressReporter
  /// The share of the input that has been read; nil behind its end.
  var fraction: Double?

  init(isQuiet: Bool) { reporter = ProgressReporter(noun: "rows", isQuiet: isQuiet) }

  var elapsed: Duration { reporter.elapsed }

  func update(_ progress: BuildProgress) {
    reporter.update(
      count: progress.recordCount, fraction: fraction, note: progress.phase.rawValue)
  }

  func finish() { reporter.finish() }
}
