/// Under which names statistics go to a metrics system. The names stay.
///
/// Counters only rise; gauges are what is so now, in bytes, seconds or pieces as their names say.
enum MetricsTable {
  static let counters: [(name: String, value: @Sendable (Statistics) -> UInt64)] = [
    ("martlet.commits", { $0.commits }),
    ("martlet.retries", { $0.retries }),
    ("martlet.transactions.slow", { $0.slowTransactionCount }),
    ("martlet.lock.waits", { $0.lockWaits }),
    ("martlet.lock.escalations", { $0.lockEscalations }),
    ("martlet.protocol.escalations", { $0.protocolEscalations }),
    ("martlet.checkpoints", { $0.checkpoints }),
    ("martlet.checkpoints.failed", { $0.failedCheckpoints }),
    ("martlet.log.batches", { $0.logBatches }),
    ("martlet.log.bytes", { $0.logBytes }),
    ("martlet.lookups", { $0.keyLookups }),
    ("martlet.cache.hits", { $0.cacheHits }),
    ("martlet.cache.misses", { $0.cacheMisses }),
    ("martlet.pages.written", { $0.pageWrites }),
    ("martlet.evictions", { $0.evictions }),
    ("martlet.snapshots.expired", { $0.expiredSnapshots }),
  ]

  /// One counter for each code, under the dimension `code`.
  static let aborts = "martlet.aborts"

  static let gauges: [(name: String, value: @Sendable (Statistics) -> Double)] = [
    ("martlet.log.replay_bytes", { Double($0.logBytesSinceCheckpoint) }),
    ("martlet.checkpoint.age_seconds", { $0.checkpointAge.inSeconds }),
    ("martlet.checkpoint.last_seconds", { $0.lastCheckpointDuration.inSeconds }),
    ("martlet.file.bytes", { Double($0.fileBytes) }),
    ("martlet.file.used_bytes", { Double($0.usedBytes) }),
    ("martlet.cache.dirty_bytes", { Double($0.dirtyBytes) }),
    ("martlet.cache.free_bytes", { Double($0.freeCacheBytes) }),
    ("martlet.versions.bytes", { Double($0.versionBytes) }),
    ("martlet.versions.pinned_bytes", { Double($0.pinnedVersionBytes) }),
    ("martlet.snapshots.open", { Double($0.openSnapshots) }),
    (
      "martlet.snapshots.oldest_seconds",
      { ($0.pinningSnapshots.map(\.age).max() ?? .zero).inSeconds }
    ),
  ]

  /// Recorders, of seconds: each takes the median, the 99th percentile and the longest since the
  /// last record under the dimension `quantile`.
  static let latencies: [(name: String, value: @Sendable (Statistics) -> LatencyHistogram)] = [
    ("martlet.commit.seconds", { $0.commitLatency }),
    ("martlet.flush.seconds", { $0.flushLatency }),
    ("martlet.lock.wait_seconds", { $0.lockWaitLatency }),
  ]

  static let quantiles = [0.5, 0.99, 1]
}

extension Duration {
  var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
