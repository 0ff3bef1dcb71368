import Dispatch
import Martlet
import Synchronization

/// What a put costs whoever puts while nobody listens, and beside one feed or one live query: by the
/// processor time of the thread that puts, and by that of the whole process, in which the listeners
/// work.
struct HookTrial: AppTrial {
  let setting: AppSetting

  /// Who listens.
  enum Listener: String, CaseIterable, Sendable {
    case nobody
    case feedElsewhere = "a feed of another keyspace"
    case feed = "a feed of the keyspace"
    case queryElsewhere = "a live query of another keyspace"
    case query = "a live query of one of the keys"
    case recordedValues = "a feed with the values before"
  }

  func run() throws -> [AppMeasurement] {
    let database = try setting.open()
    let other = try database.keyspace("other")
    try database.write { try $0.set("value", for: "key", in: other) }
    var found: [AppMeasurement] = []
    for listener in setting.listeners {
      var options = KeyspaceOptions()
      options.recordsPreviousValues = listener == .recordedValues
      let keyspace = try database.keyspace("records of \(listener.rawValue)", options: options)
      try setting.load(database, keyspace)
      let listening = try listen(listener, database, keyspace, other)
      _ = try put(setting.records / 10, database, keyspace)
      let begin = ProcessorClock.nanoseconds
      let work = try put(min(setting.records, 200_000), database, keyspace)
      let all = ProcessorClock.nanoseconds - begin
      listening?.cancel()
      let puts = Double(work.operations)
      found += [
        AppMeasurement(
          "put beside \(listener.rawValue)", "ns of the thread",
          Double(work.processorNanoseconds) / puts),
        AppMeasurement(
          "put beside \(listener.rawValue), all told", "ns of the process", Double(all) / puts),
      ]
    }
    try database.close()
    return found
  }

  @inline(never)
  private func put(_ count: Int, _ database: Database, _ keyspace: Keyspace) throws -> ThreadWork {
    let dataset = setting.dataset
    let keys = dataset.keys(of: dataset.randomRecords(count: count, stream: 1))
    let value = [UInt8](repeating: 7, count: RecordShape.valueByteCount)
    return try ThreadWork.timed {
      for offset in stride(from: 0, to: keys.count, by: RecordShape.keyByteCount) {
        let key = Array(keys[offset..<offset + RecordShape.keyByteCount])
        try database.write { try $0.set(value, for: key, in: keyspace) }
      }
      return count
    }
  }

  /// Begins to listen; returns when the listener has begun.
  private func listen(
    _ listener: Listener, _ database: Database, _ keyspace: Keyspace, _ other: Keyspace
  ) throws -> Task<Void, Never>? {
    let begun = DispatchSemaphore(value: 0)
    let task: Task<Void, Never>
    switch listener {
    case .nobody: return nil
    case .feed, .feedElsewhere, .recordedValues:
      let feed = try database.changes(in: [listener == .feedElsewhere ? other : keyspace])
      task = Task {
        begun.signal()
        do { for try await _ in feed {} } catch {}
      }
    case .query, .queryElsewhere:
      let watched = listener == .query ? keyspace : other
      let key = listener == .query ? setting.dataset.keys(of: [0]) : Array("key".utf8)
      let values = database.observe { try $0.get(key, in: watched) }
      task = Task {
        do { for try await _ in values { begun.signal() } } catch {}
      }
    }
    begun.wait()
    return task
  }
}
