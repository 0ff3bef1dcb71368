internal import Martlet

/// What `stat` shows of a database's sizes and of what the engine has counted since it was opened.
struct DatabaseFigures {
  let path: String
  let id: String
  let statistics: Statistics
  let keyspaces: [KeyspaceFigures]
  var space: SpaceReport?

  /// For people.
  var lines: [String] {
    var rows: [(String, String)] = [
      ("identity", id),
      ("page size", Figures.bytes(statistics.pageSize)),
      ("pages", Figures.count(statistics.mappedPages)),
      ("data file", Figures.bytes(statistics.fileBytes)),
      ("of which used", Figures.bytes(statistics.usedBytes)),
      ("log since the checkpoint", Figures.bytes(statistics.logBytesSinceCheckpoint)),
      ("newest commit", Self.moment(statistics.newestTimestamp)),
    ]
    rows += activity
    rows.append(("keyspaces", Figures.count(keyspaces.count)))
    for keyspace in keyspaces {
      let census = keyspace.census.map { census in
        "\(Figures.count(census.entryCount, "entry", plural: "entries")), "
          + Figures.bytes(census.byteCount)
      }
      rows.append(("  \(keyspace.name)", census ?? ""))
    }
    let width = rows.map(\.0.count).max() ?? 0
    let table = rows.map { name, value in
      value.isEmpty ? name : name + String(repeating: " ", count: width - name.count + 3) + value
    }
    let spaceLines = space.map { SpaceFigures(report: $0).lines } ?? []
    return [path] + (table + spaceLines).map { "  " + $0 }
  }

  /// What has happened since the database was opened; what has not is left out.
  private var activity: [(String, String)] {
    var rows: [(String, String)] = []
    func row(_ name: String, _ value: String, if isSo: Bool) {
      if isSo { rows.append((name, value)) }
    }
    let s = statistics
    row("commits", Figures.count(s.commits), if: s.commits > 0)
    let aborts = s.aborts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    row("aborts", aborts.joined(separator: ", "), if: !aborts.isEmpty)
    row("lock waits", Self.latency(s.lockWaitLatency), if: s.lockWaits > 0)
    row("durable commits", Self.latency(s.commitLatency), if: s.commitLatency.count > 0)
    row("flushes waited for", Self.latency(s.flushLatency), if: s.flushLatency.count > 0)
    row(
      "cache", "\(Figures.count(s.keyLookups)) look-ups, \(Figures.count(s.pageReads)) pages read",
      if: s.keyLookups > 0)
    row(
      "last checkpoint",
      "\(Figures.time(s.checkpointAge)) ago, took \(Figures.time(s.lastCheckpointDuration))",
      if: s.checkpoints > 0)
    row("failed checkpoints", Figures.count(s.failedCheckpoints), if: s.failedCheckpoints > 0)
    row(
      "older versions",
      "\(Figures.count(s.versions)), \(Figures.bytes(s.versionBytes)), for "
        + Figures.count(Int(clamping: s.openSnapshots), "open snapshot"), if: s.versions > 0)
    for pin in s.pinningSnapshots where pin.pinnedBytes > 0 {
      let name = pin.transaction == 0 ? "a reader" : "transaction \(pin.transaction)"
      rows.append(
        (
          "  pinned by",
          "\(name)\(pin.label.map { " \"\($0)\"" } ?? ""): \(Figures.bytes(pin.pinnedBytes)), "
            + "\(Figures.time(pin.age)) old"
        ))
    }
    for slow in s.slowTransactions.prefix(5) { rows.append(("  slow", slow.summary)) }
    return rows
  }

  private static func latency(_ histogram: LatencyHistogram) -> String {
    "\(Figures.count(histogram.count)), half within \(Figures.time(histogram.quantile(0.5))), "
      + "99 % within \(Figures.time(histogram.quantile(0.99)))"
  }

  /// For programs.
  var json: JSON {
    var members: [JSON.Member] = [.init("path", .string(path)), .init("id", .string(id))]
    for (name, value) in sizes { members.append(.init(name, JSON(value))) }
    members.append(.init("activity", activityJSON))
    members.append(
      .init(
        "keyspaces",
        .array(
          keyspaces.map { keyspace in
            var members: [JSON.Member] = [.init("name", .string(keyspace.name))]
            if let census = keyspace.census {
              members.append(.init("entries", JSON(census.entryCount)))
              members.append(.init("bytes", JSON(census.byteCount)))
            }
            return .object(members)
          })))
    if let space { members.append(.init("space", SpaceFigures(report: space).json)) }
    return .object(members)
  }

  private var sizes: [(String, UInt64)] {
    [
      ("pageSize", statistics.pageSize), ("mappedPages", statistics.mappedPages),
      ("fileBytes", statistics.fileBytes), ("usedBytes", statistics.usedBytes),
      ("logBytesSinceCheckpoint", statistics.logBytesSinceCheckpoint),
      ("newestTimestamp", statistics.newestTimestamp),
    ]
  }

  /// Since the database was opened, which for `martlet stat` was just before.
  private var activityJSON: JSON {
    let s = statistics
    let counts: [(String, UInt64)] = [
      ("commits", s.commits), ("retries", s.retries), ("lockWaits", s.lockWaits),
      ("checkpoints", s.checkpoints), ("failedCheckpoints", s.failedCheckpoints),
      ("checkpointAgeNanoseconds", Self.nanoseconds(s.checkpointAge)),
      ("lastCheckpointNanoseconds", Self.nanoseconds(s.lastCheckpointDuration)),
      ("logBytes", s.logBytes), ("logBatches", s.logBatches), ("keyLookups", s.keyLookups),
      ("cacheHits", s.cacheHits), ("cacheMisses", s.cacheMisses), ("pageWrites", s.pageWrites),
      ("evictions", s.evictions), ("dirtyBytes", s.dirtyBytes), ("versions", s.versions),
      ("versionBytes", s.versionBytes), ("pinnedVersionBytes", s.pinnedVersionBytes),
      ("openSnapshots", s.openSnapshots), ("expiredSnapshots", s.expiredSnapshots),
      ("slowTransactions", s.slowTransactionCount),
    ]
    var members = counts.map { JSON.Member($0, JSON($1)) }
    members.append(
      .init(
        "aborts",
        .object(s.aborts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, JSON($0.value)) })))
    for (name, histogram) in [
      ("lockWait", s.lockWaitLatency), ("commit", s.commitLatency), ("flush", s.flushLatency),
    ] {
      members.append(
        .init(
          name,
          .object([
            .init("count", JSON(histogram.count)),
            .init("medianNanoseconds", JSON(Self.nanoseconds(histogram.quantile(0.5)))),
            .init("p99Nanoseconds", JSON(Self.nanoseconds(histogram.quantile(0.99)))),
          ])))
    }
    return .object(members)
  }

  private static func nanoseconds(_ duration: Duration) -> UInt64 {
    UInt64(max(0, Figures.seconds(duration) * 1e9))
  }

  /// A timestamp with its date: nanoseconds since 1970.
  private static func moment(_ timestamp: UInt64) -> String {
    timestamp == 0 ? "none" : "\(timestamp), \(Figures.date(nanoseconds: timestamp))"
  }
}

/// What a space report shows.
struct SpaceFigures {
  let report: SpaceReport

  /// A table for people.
  var lines: [String] {
    let head = [
      "keyspace", "entries", "removed", "content", "in the file", "pages", "large values",
    ]
    let rows = report.keyspaces.map { keyspace in
      [
        keyspace.name, Figures.count(keyspace.entries), Figures.count(keyspace.tombstones),
        Figures.bytes(keyspace.contentBytes), Figures.bytes(keyspace.storedBytes),
        Figures.count(keyspace.pages), Figures.count(keyspace.largeValues),
      ]
    }
    let widths = head.indices.map { column in
      ([head] + rows).map { DisplayWidth.of($0[column]) }.max() ?? 0
    }
    let table = ([head] + rows).map { row in
      row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - DisplayWidth.of(cell))
        return column == 0 ? cell + space : space + cell
      }.joined(separator: "  ")
    }
    return table + [
      "free in the data file \(Figures.bytes(report.freeBytes)) of \(Figures.bytes(report.fileBytes)), "
        + "log \(Figures.bytes(report.logBytes))"
    ]
  }

  /// For programs.
  var json: JSON {
    let keyspaces = report.keyspaces.map { keyspace -> JSON in
      .object([
        .init("name", .string(keyspace.name)), .init("entries", JSON(keyspace.entries)),
        .init("tombstones", JSON(keyspace.tombstones)),
        .init("contentBytes", JSON(keyspace.contentBytes)),
        .init("storedBytes", JSON(keyspace.storedBytes)),
        .init("leafPages", JSON(keyspace.leafPages)),
        .init("innerPages", JSON(keyspace.innerPages)),
        .init("largeValuePages", JSON(keyspace.largeValuePages)),
        .init("largeValues", JSON(keyspace.largeValues)),
        .init("height", JSON(keyspace.height)),
      ])
    }
    return .object([
      .init("keyspaces", .array(keyspaces)), .init("pageSize", JSON(report.pageSize)),
      .init("fileBytes", JSON(report.fileBytes)), .init("usedBytes", JSON(report.usedBytes)),
      .init("freeBytes", JSON(report.freeBytes)), .init("logBytes", JSON(report.logBytes)),
    ])
  }
}
