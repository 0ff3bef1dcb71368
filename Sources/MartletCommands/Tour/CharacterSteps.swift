internal import Foundation
internal import Martlet

/// The first half of the tour: characters go in, and every answer is compared with the file.
struct CharacterSteps {
  let records: [CharacterRecord]
  let seed: UInt64

  private static let batchSize = 5000

  /// Each character under its code point, and a second keyspace that finds it by name. Both
  /// entries of a character go in in one transaction.
  func load(into database: Database) throws -> String {
    let characters = try database.keyspace("characters")
    let names = try database.keyspace("names")
    var batches = 0
    for start in stride(from: 0, to: records.count, by: Self.batchSize) {
      let batch = records[start..<min(start + Self.batchSize, records.count)]
      try database.write { (transaction: borrowing Transaction) in
        for record in batch {
          try transaction.set(record.line, for: record.key, in: characters)
          try transaction.set(record.key, for: record.indexKey, in: names)
        }
      }
      batches += 1
    }
    return "\(Figures.count(records.count * 2)) entries, \(batches) transactions"
  }

  /// Every record once, in random order, from two threads.
  func pointReads(from database: Database) throws -> String {
    let characters = try database.keyspace("characters")
    var generator = SeededGenerator(seed: seed)
    let order = records.shuffled(using: &generator)
    let halves = [order[..<(order.count / 2)], order[(order.count / 2)...]]
    let wrong = Collected<String>()
    DispatchQueue.concurrentPerform(iterations: halves.count) { index in
      do {
        for record in halves[index] {
          let line = try database.read { (snapshot: borrowing Snapshot) in
            try snapshot.value(for: record.key, in: characters, as: String.self)
          }
          if line != record.line {
            wrong.append("U+\(record.key) reads as \(line ?? "nothing"), not as \(record.line)")
          }
        }
      } catch {
        wrong.append(ToolError(describing: error).description)
      }
    }
    if let first = wrong.elements.first { throw ToolError(first) }
    return "\(Figures.count(records.count)) reads from 2 threads, all as in the file"
  }

  /// The whole keyspace both ways, a range, and a prefix of the index.
  func scans(of database: Database) throws -> String {
    let characters = try database.keyspace("characters")
    let names = try database.keyspace("names")
    return try database.read { (snapshot: borrowing Snapshot) in
      try expect(
        snapshot, in: characters, .all, keys: records.map(\.key), values: records.map(\.line))
      try expect(
        snapshot, in: characters, .all, reverse: true, keys: records.reversed().map(\.key),
        values: records.reversed().map(\.line))
      let greek = records.filter { ("000370"..<"000400").contains($0.key) }
      try expect(
        snapshot, in: characters, .range(from: "000370", to: "000400"), keys: greek.map(\.key),
        values: greek.map(\.line))
      let notes = records.filter { $0.name.hasPrefix("MUSICAL") }
        .sorted { $0.indexKey < $1.indexKey }
      try expect(
        snapshot, in: names, .prefix("MUSICAL"), keys: notes.map(\.indexKey),
        values: notes.map(\.key))
      return "both ways; Greek by range, \(greek.count); by name MUSICAL…, \(notes.count)"
    }
  }

  /// Throws at the first difference between a scan and what it must show.
  private func expect(
    _ snapshot: borrowing Snapshot, in keyspace: Keyspace, _ bounds: KeyBounds,
    reverse: Bool = false, keys: [String], values: [String]
  ) throws {
    var index = 0
    try snapshot.forEach(in: keyspace, bounds, reverse: reverse, limit: nil) { key, value in
      let key = String(valueBytes: key)
      guard index < keys.count, key == keys[index], String(valueBytes: value) == values[index]
      else {
        throw ToolError(
          "a scan of \(keyspace.name) shows \(key ?? "bytes") as entry \(index + 1), "
            + "not \(index < keys.count ? keys[index] : "the end")")
      }
      index += 1
      return .continue
    }
    guard index == keys.count else {
      throw ToolError("a scan of \(keyspace.name) ends after \(index) of \(keys.count) entries")
    }
  }

  /// A database that was closed and opened again is the same, and sound.
  func verify(_ database: Database) throws -> String {
    let report = try database.verify()
    if let finding = report.findings.first { throw ToolError(finding.description) }
    _ = try scans(of: database)
    return "\(Figures.count(report.pageCount)) pages, "
      + "\(Figures.count(report.entryCount)) entries, no damage"
  }
}
