internal import Martlet

/// A command was stopped by Control-C.
struct ShellCancelled: Error, CustomStringConvertible {
  let description = "stopped"
}

extension ShellSession {
  /// Carries out a request outside of any transaction. Returns what it came to.
  func perform(_ request: ShellRequest, in transaction: Never?) throws -> String? {
    switch request {
    case .get, .scan, .count:
      let keyspace = try keyspace()
      return try database.read(label: "shell") { (snapshot: borrowing Snapshot) in
        try look(request, keyspace, snapshot)
      }
    case .set, .remove:
      let keyspace = try keyspace()
      return try database.write(label: "shell") { (transaction: borrowing Transaction) in
        try change(request, keyspace, transaction)
      }
    default: return try manage(request)
    }
  }

  /// Carries out a request inside the transaction that is open.
  func performInTransaction(_ request: ShellRequest, _ transaction: borrowing Transaction) throws
    -> String?
  {
    switch request {
    case .get, .scan, .count: try look(request, keyspace(), transaction)
    case .set, .remove: try change(request, keyspace(), transaction)
    default: try manage(request)
    }
  }

  private func keyspace() throws -> Keyspace {
    let name = status.keyspace
    guard let found = try database.existingKeyspace(name) else {
      throw ToolError("there is no keyspace \(name); create \(name) makes it")
    }
    return found
  }

  // MARK: Keys and values

  private func look<Reader: Reading & ~Copyable>(
    _ request: ShellRequest, _ keyspace: Keyspace, _ reader: borrowing Reader
  ) throws -> String? {
    switch request {
    case .get(let key):
      guard let value = try reader.get(key, in: keyspace) else {
        throw ToolError("there is no key \(ShellWords.quoted(key)) in keyspace \(keyspace.name)")
      }
      try show(value: value, of: key)
      return nil
    case .scan(let scan): return try show(scan, keyspace, reader)
    case .count(let scan): return try count(scan, keyspace, reader)
    default: preconditionFailure("no request that reads")
    }
  }

  private func show(value: [UInt8], of key: [UInt8]) throws {
    switch style.format {
    case .tsv: try style.write(lines: value + [0x0A])
    case .table: try style.write(line: ShellWords.quoted(value))
    case .json, .hex: try style.write(lines: style.format.line(key: key, value: value) + [0x0A])
    }
  }

  private func show<Reader: Reading & ~Copyable>(
    _ scan: ShellRequest.Scan, _ keyspace: Keyspace, _ reader: borrowing Reader
  ) throws -> String? {
    let limit = scan.limit ?? style.scanLimit ?? .max
    let format = style.format
    let columns = style.columns()
    var shown = 0
    var isMoreLeft = false
    var keyWidth = 16
    var lines: [UInt8] = []
    func visit(_ key: RawSpan, _ value: [UInt8]?) throws -> ScanStep {
      if isCancelled { throw ShellCancelled() }
      guard shown < limit else {
        isMoreLeft = true
        return .stop
      }
      shown += 1
      let key = [UInt8](valueBytes: key) ?? []
      if format == .table {
        keyWidth = max(keyWidth, min(DisplayWidth.of(ShellWords.quoted(key)), (columns ?? 80) / 2))
      }
      lines += format.line(key: key, value: value, keyWidth: keyWidth, columns: columns) + [0x0A]
      if lines.count > 1 << 14 {
        try style.write(lines: lines)
        lines.removeAll(keepingCapacity: true)
      }
      return .continue
    }
    let bounds = try scan.bounds()
    // One more than is shown, to know whether there is.
    let visits = limit == .max ? nil : limit + 1
    do {
      if scan.keysOnly {
        try reader.forEachKey(in: keyspace, bounds, reverse: scan.isReverse, limit: visits) {
          key, _ in try visit(key, nil)
        }
      } else {
        try reader.forEach(in: keyspace, bounds, reverse: scan.isReverse, limit: visits) {
          key, value in try visit(key, [UInt8](valueBytes: value) ?? [])
        }
      }
    } catch let cancelled as ShellCancelled {
      try style.write(lines: lines)
      throw cancelled
    }
    try style.write(lines: lines)
    let entries = Figures.count(shown, "entry", plural: "entries")
    return isMoreLeft ? "the first \(entries); --limit N or --all shows more" : entries
  }

  private func count<Reader: Reading & ~Copyable>(
    _ scan: ShellRequest.Scan, _ keyspace: Keyspace, _ reader: borrowing Reader
  ) throws -> String? {
    var entries = 0
    var bytes = 0
    try reader.forEachKey(
      in: keyspace, try scan.bounds(), reverse: scan.isReverse, limit: scan.limit
    ) { key, byteCount in
      if isCancelled { throw ShellCancelled() }
      entries += 1
      bytes += key.byteCount + byteCount
      return .continue
    }
    try style.write(
      line: style.format == .json
        ? JSON.object([.init("entries", JSON(entries)), .init("bytes", JSON(bytes))]).text
        : "\(Figures.count(entries, "entry", plural: "entries")), \(Figures.bytes(bytes))")
    return nil
  }

  private func change(
    _ request: ShellRequest, _ keyspace: Keyspace, _ transaction: borrowing Transaction
  ) throws -> String? {
    switch request {
    case .set(let key, let value):
      try transaction.set(value, for: key, in: keyspace)
      return nil
    case .remove(let key):
      guard try transaction.contains(key, in: keyspace) else { return "it was not there" }
      try transaction.remove(key, in: keyspace)
      return nil
    default: preconditionFailure("no request that writes")
    }
  }

  // MARK: The database

  private func manage(_ request: ShellRequest) throws -> String? {
    switch request {
    case .keyspaces:
      let current = status.keyspace
      for name in database.keyspaceNames {
        try style.write(line: (name == current ? "* " : "  ") + name)
      }
      return nil
    case .use(let name):
      guard try database.existingKeyspace(name) != nil else {
        throw ToolError("there is no keyspace \(name); create \(name) makes it")
      }
      change { $0.keyspace = name }
      return nil
    case .create(let name):
      _ = try database.keyspace(name)
      change { $0.keyspace = name }
      return nil
    case .drop(let name):
      do {
        try database.dropKeyspace(name)
      } catch let error as DatabaseError where error.code == .ownedByCollection {
        try database.dropCollection(name)
        return "a collection, with its indexes"
      }
      return nil
    case .stat:
      let figures = DatabaseFigures(
        path: path, id: database.id.description, statistics: database.statistics,
        keyspaces: database.keyspaceNames.map { KeyspaceFigures(name: $0) }, space: nil)
      for line in style.format == .json ? [figures.json.text] : figures.lines {
        try style.write(line: line)
      }
      return nil
    case .space:
      let report = SpaceFigures(report: try database.spaceReport())
      for line in style.format == .json ? [report.json.text] : report.lines {
        try style.write(line: line)
      }
      return nil
    case .verify: return try verify()
    case .checkpoint:
      try database.checkpoint()
      return "checkpoint taken"
    case .format(let format):
      style.format = format
      return nil
    default: preconditionFailure("the shell's own business")
    }
  }

  private func verify() throws -> String? {
    let report = try database.verify()
    for finding in report.findings { try style.write(line: "\(finding)") }
    guard report.isClean else {
      throw ToolError(Figures.count(report.findings.count, "damaged place"))
    }
    return "no damage in \(Figures.count(report.pageCount, "page")) and "
      + Figures.count(report.batchCount, "log batch", plural: "log batches")
  }
}

extension ShellRequest.Scan {
  fileprivate func bounds() throws -> KeyBounds {
    switch (prefix, from, to) {
    case (let prefix?, _, _): try .prefix(prefix)
    case (nil, let from?, let to?): try .range(from: from, to: to)
    case (nil, let from?, nil): try .from(from)
    case (nil, nil, let to?): try .upTo(to)
    case (nil, nil, nil): .all
    }
  }
}
