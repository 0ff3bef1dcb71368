import BTreeIndex
import Environment
import Paging
import Primitives
import RawBytes
import Synchronization
import SystemEnvironment
import VersionStore

/// Keeps what it is told.
final class RecordedEvents: EventSink {
  private let events = Mutex<[Event]>([])

  func report(_ event: Event) { events.withLock { $0.append(event) } }

  func messages(_ severity: Event.Severity) -> [String] {
    events.withLock { $0.filter { $0.severity == severity }.map(\.message) }
  }
}

/// A new value of a key; nil removes it.
struct Change {
  var keyspace: KeyspaceID
  var key: [UInt8]
  var value: [UInt8]?

  init(_ keyspace: KeyspaceID, _ key: [UInt8], _ value: [UInt8]?) {
    self.keyspace = keyspace
    self.key = key
    self.value = value
  }
}

/// A store in memory with a commit pipeline in its plainest form, and the log that it would have.
final class StoreFixture {
  struct LoggedCommit {
    let timestamp: Timestamp
    let batch: [UInt8]
    /// The large values, by ordinal.
    let largeValues: [[UInt8]]
  }

  static let path = "/data"
  let events = RecordedEvents()
  let effects: Effects
  private(set) var store: VersionStore
  private let configuration: StoreConfiguration
  private(set) var clock: UInt64
  private(set) var log: [LoggedCommit] = []

  init(
    pageSize: Int = 4096, frameCount: Int = 64, versionByteBudget: Int = 64 << 20,
    clock: UInt64 = 100, effects: Effects? = nil
  ) throws {
    self.effects = effects ?? Effects.memory(events: events)
    configuration = StoreConfiguration(
      pageSize: pageSize, cacheByteCount: frameCount * pageSize, compression: .lz4,
      versionByteBudget: versionByteBudget)
    self.clock = clock
    store = try VersionStore.create(
      path: Self.path, configuration: configuration, id: DatabaseID(high: 1, low: 2),
      ownerState: [], timestamp: Timestamp(clock), effects: self.effects)
  }

  // MARK: Commits

  /// Commits changes, given in any order, and acknowledges them unless told not to.
  @discardableResult
  func commit(
    _ changes: [Change], isRelaxed: Bool = false, acknowledges: Bool = true
  ) throws -> Timestamp {
    var builder = WriteBatchBuilder()
    var largeValues: [[UInt8]] = []
    for change in changes.sorted(by: { Self.precedes($0, $1) }) {
      change.key.withByteView { key in
        guard let value = change.value else {
          builder.remove(key, in: change.keyspace)
          return
        }
        if key.count + value.count > store.maximumInlineByteCount {
          builder.setLarge(
            key, ordinal: largeValues.count, byteCount: UInt64(value.count), in: change.keyspace)
          largeValues.append(value)
        } else {
          value.withByteView { builder.set(key, to: $0, in: change.keyspace) }
        }
      }
    }
    clock += 1
    let timestamp = Timestamp(clock)
    let batch = builder.finish()
    log.append(
      LoggedCommit(timestamp: timestamp, batch: batch.bytes.array, largeValues: largeValues))
    let announcement = store.announce(batch, isAcknowledgedAtPublication: isRelaxed)
    try store.apply(
      batch, at: timestamp, largeValues: try largeValues.map(write), announcement: announcement)
    store.publish(through: timestamp)
    if acknowledges || isRelaxed { store.acknowledge(through: timestamp) }
    store.retract(announcement)
    return timestamp
  }

  private static func precedes(_ left: Change, _ right: Change) -> Bool {
    left.keyspace != right.keyspace
      ? left.keyspace < right.keyspace : left.key.lexicographicallyPrecedes(right.key)
  }

  func write(_ value: [UInt8]) throws -> OverflowReference {
    var writer = store.makeOverflowWriter(byteCount: UInt64(value.count))
    try value.withByteView { try writer.append($0) }
    return try writer.finish()
  }

  func createKeyspace(_ name: String) throws -> KeyspaceID {
    let id = store.nextKeyspaceID()
    try commit([
      Change(
        .catalog, VersionStore.catalogKey(id), VersionStore.catalogValue(name: name, state: .live))
    ])
    return id
  }

  @discardableResult
  func dropKeyspace(_ id: KeyspaceID, name: String) throws -> Timestamp {
    try commit([
      Change(
        .catalog, VersionStore.catalogKey(id),
        VersionStore.catalogValue(name: name, state: .dropping))
    ])
  }

  // MARK: Reads

  func read(_ key: [UInt8], in keyspace: KeyspaceID, at snapshot: StoreSnapshot) throws -> [UInt8]?
  {
    var scratch = ByteBuffer()
    let found = try key.withByteView {
      try store.find($0, in: keyspace, at: snapshot, appendingValueTo: &scratch)
    }
    guard let found else { return nil }
    if let overflow = found.overflow { return try readLarge(overflow, snapshot) }
    return scratch.view[found.valueRange].array
  }

  func readLarge(_ reference: OverflowReference, _ snapshot: StoreSnapshot) throws -> [UInt8] {
    var buffer = ByteBuffer()
    buffer.append(zeros: Int(reference.byteCount))
    var offset = 0
    while offset < buffer.count {
      offset += try store.readOverflow(
        reference, at: UInt64(offset), into: buffer.mutableView[offset..<buffer.count],
        snapshot: snapshot)
    }
    return buffer.view.array
  }

  /// Everything that a snapshot sees of a keyspace, forward or backward.
  func scan(
    _ keyspace: KeyspaceID, at snapshot: StoreSnapshot, backward: Bool = false
  ) throws -> [(key: [UInt8], value: [UInt8])] {
    var result: [(key: [UInt8], value: [UInt8])] = []
    var cursor = try store.makeCursor(in: keyspace, at: snapshot)
    var isThere = try backward ? cursor.seekLast() : cursor.seekFirst()
    while isThere {
      let value = try cursor.overflow.map { try readLarge($0, snapshot) } ?? cursor.value.array
      result.append((cursor.key.array, value))
      isThere = try backward ? cursor.previous() : cursor.next()
    }
    return result
  }

  // MARK: Life

  /// Runs maintenance until nothing is left that can be done now.
  func settle() {
    while store.maintenance() == .more {}
  }

  func checkpoint() throws {
    try store.write(store.captureCheckpoint(ownerState: [7], timestamp: store.publishedTimestamp))
  }

  /// Closes the store and opens it again at its newest checkpoint, then replays the log beyond.
  func reopen(replaying: Bool = true) throws {
    store.close()
    let opened = try VersionStore.open(
      path: Self.path, configuration: configuration, effects: effects)
    store = opened.store
    guard replaying else { return }
    for commit in log where commit.timestamp > opened.checkpoint.timestamp {
      try replay(commit)
    }
    store.acknowledge(through: store.publishedTimestamp)
  }

  /// As after a crash, before anything is replayed. Returns the moment of the checkpoint.
  func reopenAtCheckpoint() throws -> Timestamp {
    try reopen(replaying: false)
    return store.publishedTimestamp
  }

  func replay(_ commit: LoggedCommit) throws {
    let values = try commit.largeValues.map(write)
    try commit.batch.withByteView { bytes in
      try store.apply(
        WriteBatch(validating: bytes), at: commit.timestamp, largeValues: values,
        announcement: .replay)
    }
    store.publish(through: commit.timestamp)
  }

  /// What verification finds; empty when all is well.
  func findings() throws -> [CorruptionError] {
    var findings: [CorruptionError] = []
    _ = try store.verify(progress: { _, _ in }, report: { findings.append($0) })
    return findings
  }
}

extension PrepareOutcome: Equatable {
  /// The same verdict, whichever leaf was seen.
  static func == (left: PrepareOutcome, right: PrepareOutcome) -> Bool {
    switch (left, right) {
    case (.ready, .ready): true
    case (
      .conflict(let keyspace, let key, let newer),
      .conflict(let otherKeyspace, let otherKey, let otherNewer)
    ):
      (keyspace, key, newer) == (otherKeyspace, otherKey, otherNewer)
    case (.ready, .conflict), (.conflict, .ready): false
    }
  }
}
