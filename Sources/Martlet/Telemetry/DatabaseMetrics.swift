#if Metrics
  public import Metrics
  internal import RawBytes
  internal import Synchronization

  /// Hands the statistics of a database to swift-metrics, as often as it is asked to.
  ///
  /// Counters take what has come since the last record, so several databases of a process may share
  /// names; give each its own dimension to tell them apart. Keeps the database.
  ///
  /// Needs the package trait `Metrics`.
  public final class DatabaseMetrics: Sendable {
    private let database: Database
    private let dimensions: [(String, String)]
    private let factory: any MetricsFactory
    private let last = Mutex(Statistics())

    /// Metrics of a database, through the process's own metrics system unless another is given.
    public init(
      _ database: Database, dimensions: [(String, String)] = [],
      factory: any MetricsFactory = MetricsSystem.factory
    ) {
      self.database = database
      self.dimensions = dimensions
      self.factory = factory
    }

    /// Records what is so now, and what has come since the last call.
    public func record() {
      let now = database.statistics
      let before = last.withLock { last in
        defer { last = now }
        return last
      }
      for (name, value) in MetricsTable.counters {
        count(name, value(now), since: value(before), dimensions)
      }
      for (code, value) in now.aborts {
        count(
          MetricsTable.aborts, value, since: before.aborts[code] ?? 0, dimensions + [("code", code)]
        )
      }
      for (name, value) in MetricsTable.gauges {
        Gauge(label: name, dimensions: dimensions, factory: factory).record(value(now))
      }
      for (name, value) in MetricsTable.latencies {
        record(name, value(now).subtracting(value(before)))
      }
    }

    /// Records at intervals until its task is cancelled, and once more then.
    public func run(every interval: Duration = .seconds(10)) async {
      while !Task.isCancelled {
        record()
        do { try await Task.sleep(for: interval) } catch { break }
      }
      record()
    }

    private func count(
      _ name: String, _ now: UInt64, since before: UInt64, _ dimensions: [(String, String)]
    ) {
      guard now > before else { return }
      Counter(label: name, dimensions: dimensions, factory: factory).increment(by: now - before)
    }

    private func record(_ name: String, _ histogram: LatencyHistogram) {
      guard histogram.count > 0 else { return }
      for quantile in MetricsTable.quantiles {
        Recorder(
          label: name, dimensions: dimensions + [("quantile", "\(quantile)")], aggregate: false,
          factory: factory
        ).record(histogram.quantile(quantile).inSeconds)
      }
    }
  }
#endif
