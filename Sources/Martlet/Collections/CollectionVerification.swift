internal import KeyCoding
internal import Primitives
internal import RawBytes

/// Holds indexes against the records that they are of, as of one moment.
///
/// Of a collection that is open everything is checked: that each record decodes and lies under its
/// own id, that each of its entries is in each index, and that an index has no others. Of one that
/// nobody has opened the closures are not known that make entries; then each entry must still be one,
/// and lead to a record.
///
/// Indexes that are being built are left out.
struct CollectionVerification {
  let engine: Engine
  /// Findings told of one keyspace; how many more there are is told at the end.
  private static var findingLimit: Int { 100 }

  /// Reports what is wrong. Returns how many entries of indexes were checked.
  func run(_ report: @escaping (CorruptionError) -> Void) throws -> Int {
    guard let store = try engine.existingSchema() else { return 0 }
    return try engine.schemaTurn.withTurn {
      try engine.snapshot { snapshot in
        let contents = try store.read(snapshot)
        var count = 0
        for name in contents.collections.keys.sorted() {
          count += try check(name, contents, snapshot, report)
        }
        return count
      }
    }
  }

  /// An index at hand.
  private struct Subject {
    let index: BoundIndex
    /// Its place in the declaration, when there is one.
    let position: Int?
    /// Entries that records have, as far as they were found.
    var foundCount = 0
  }

  private func check(
    _ name: String, _ contents: SchemaStore.Contents, _ snapshot: borrowing Snapshot,
    _ report: @escaping (CorruptionError) -> Void
  ) throws -> Int {
    guard let records = try engine.existingKeyspace(name) else {
      report(
        CorruptionError(
          location: "collection \"\(name)\"", expected: "its keyspace", found: "none",
          affects: "the whole collection"))
      return 0
    }
    let entry = engine.collections.entry(of: name)
    var subjects: [Subject] = []
    for (indexName, stored) in contents.indexes(of: name) where stored.state == .ready {
      let keyspaceName = SystemKeyspace.index(stored.number, of: name, indexName)
      guard let keyspace = try engine.existingKeyspace(keyspaceName) else {
        report(
          CorruptionError(
            location: "index \"\(indexName)\" of collection \"\(name)\"",
            expected: "keyspace \"\(keyspaceName)\"", found: "none",
            affects: "queries through the index; rebuild it"))
        continue
      }
      let position = entry?.definition.indexes.firstIndex {
        $0.name == indexName && $0.specification == stored.specification
      }
      subjects.append(
        Subject(
          index: BoundIndex(
            collection: name, name: indexName, specification: stored.specification,
            keyspace: keyspace, state: .building), position: position))
    }
    if let entry { try checkRecords(of: entry, records, &subjects, snapshot, report) }
    var count = 0
    for subject in subjects {
      count += try checkEntries(of: subject, records, entry, snapshot, report)
    }
    return count
  }

  // MARK: From records to entries

  private func checkRecords(
    of entry: SchemaEntry, _ records: Keyspace, _ subjects: inout [Subject],
    _ snapshot: borrowing Snapshot, _ report: @escaping (CorruptionError) -> Void
  ) throws {
    let byPosition = Dictionary(
      uniqueKeysWithValues: subjects.indices.compactMap { place in
        subjects[place].position.map { ($0, place) }
      })
    var keys = IndexKeys()
    var limited = LimitedReport(limit: Self.findingLimit, report)
    let access = snapshot.recordAccess
    try snapshot.forEach(in: records) { keySpan, bytes in
      try keySpan.withByteView { key in
        keys.removeAll()
        do {
          guard try entry.hasKey(bytes, key) else {
            limited.add(finding(records.name, key, "the record with this id", "another record"))
            return
          }
          try entry.derive(bytes, key, nil, &keys)
        } catch {
          limited.add(finding(records.name, key, "a record", "bytes that are none: \(error)"))
          return
        }
        for derived in keys.entries {
          guard let place = byPosition[derived.index] else { continue }
          let index = subjects[place].index
          let isThere = try hasEntry(keys.key(derived), id: key, index, access)
          if isThere {
            subjects[place].foundCount += 1
          } else {
            limited.add(
              CorruptionError(
                location: location(of: index, keys.key(derived)),
                expected: "an entry for record \(DatabaseError.quoted(key.array))",
                found: "none",
                affects: "queries through the index, which miss the record; rebuild the index"))
          }
        }
      }
      return .continue
    }
    limited.finish("collection \"\(records.name)\"")
  }

  private func hasEntry(
    _ key: ByteView, id: ByteView, _ index: BoundIndex, _ access: RecordAccess
  ) throws -> Bool {
    try access.withRecord(key, in: index.keyspace) { value in
      value.withByteView { value in (try? index.recordKey(key, .bytes(value))) == id }
    } ?? false
  }

  // MARK: From entries to records

  private func checkEntries(
    of subject: Subject, _ records: Keyspace, _ entry: SchemaEntry?,
    _ snapshot: borrowing Snapshot, _ report: @escaping (CorruptionError) -> Void
  ) throws -> Int {
    let index = subject.index
    var limited = LimitedReport(limit: Self.findingLimit, report)
    var count = 0
    var keys = IndexKeys()
    let access = snapshot.recordAccess
    try snapshot.forEach(in: index.keyspace) { keySpan, value in
      count += 1
      try keySpan.withByteView { key in
        try value.withByteView { value in
          guard let id = try? index.recordKey(key, .bytes(value)) else {
            limited.add(
              CorruptionError(
                location: location(of: index, key), expected: "an entry",
                found: "bytes that are none",
                affects: "queries through the index, which fail there; rebuild the index"))
            return
          }
          let isRight = try access.withRecord(id, in: records) { bytes in
            guard let entry, let position = subject.position else { return true }
            // A record that cannot be decoded was told of before.
            do { try entry.derive(bytes, id, position, &keys) } catch { return true }
            return keys.entries.contains { keys.key($0) == key }
          }
          guard !(isRight ?? false) else { return }
          limited.add(
            CorruptionError(
              location: location(of: index, key),
              expected: "no entry for record \(DatabaseError.quoted(id.array))"
                + (isRight == nil ? ", which is not there" : ", which has another key"),
              found: "one", affects: "queries through the index; rebuild it"))
        }
      }
      return .continue
    }
    limited.finish("index \"\(index.name)\" of collection \"\(index.collection)\"")
    return count
  }

  private func finding(
    _ collection: String, _ key: ByteView, _ expected: String, _ found: String
  ) -> CorruptionError {
    CorruptionError(
      location: "collection \"\(collection)\", key \(DatabaseError.quoted(key.array))",
      expected: expected, found: found,
      affects: "that record and its entries in indexes; restore it from a backup")
  }

  private func location(of index: BoundIndex, _ key: ByteView) -> String {
    "index \"\(index.name)\" of collection \"\(index.collection)\", key "
      + DatabaseError.quoted(key.array)
  }
}

/// Passes findings on up to a limit.
private struct LimitedReport {
  private var remaining: Int
  private var leftOut = 0
  private let report: (CorruptionError) -> Void

  init(limit: Int, _ report: @escaping (CorruptionError) -> Void) {
    remaining = limit
    self.report = report
  }

  mutating func add(_ finding: CorruptionError) {
    guard remaining > 0 else {
      leftOut += 1
      return
    }
    remaining -= 1
    report(finding)
  }

  func finish(_ place: String) {
    guard leftOut > 0 else { return }
    report(
      CorruptionError(
        location: place, expected: "nothing else wrong", found: "\(leftOut) further findings"))
  }
}
