internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import VersionStore

/// Fills a new state file under a name that nobody opens.
///
/// - Invariant SB1: nothing of it is used before `finish` has returned, and then all of it is durable.
// SENDABLE: used by one thread at a time: whoever builds.
final class StateBuilder: @unchecked Sendable {
  private let store: VersionStore
  private var batch = WriteBatchBuilder(capacity: 1 << 16)
  private var isOpen = true
  /// The newest row of the image.
  private var lastKeyspace = KeyspaceID.catalog
  private var lastKey: [UInt8] = []

  /// Rows of an image may come in any slot's state; they bear the oldest timestamp there is.
  private static let timestamp = StateMachine.timestamp(of: .zero)

  init(
    folder: String, cluster: DatabaseID, settings: StoreConfiguration, effects: Effects
  ) throws(NodeError) {
    let path = FilePath.join(folder, StateFile.building)
    try fileWork { () throws(FileError) in
      if try effects.files.kind(of: path) == .file { try effects.files.remove(path) }
    }
    do throws(StoreError) {
      store = try VersionStore.create(
        path: path, configuration: settings, id: cluster, ownerState: [], timestamp: .zero,
        effects: effects)
    } catch {
      throw .store(error)
    }
    do throws(StoreError) { try makeKeyspaces() } catch {
      store.close()
      throw .store(error)
    }
  }

  private func makeKeyspaces() throws(StoreError) {
    batch.removeAll()
    for (id, name) in [
      (StateMachine.data, "data"), (StateMachine.sessionRows, "sessions"),
      (StateMachine.stateRows, "state"),
    ] {
      precondition(store.nextKeyspaceID() == id, "keyspaces are made in order")
      VersionStore.catalogKey(id).withByteView { key in
        VersionStore.catalogValue(name: name, state: .live).withByteView {
          batch.set(key, to: $0, in: .catalog)
        }
      }
    }
    try store.commit(batch.finish(), at: Self.timestamp)
  }

  /// Adds rows of an image, ascending through all of it.
  func add(_ rows: ByteView) throws(NodeError) {
    do {
      var reader = FieldReader(rows, "chunk of an image")
      batch.removeAll()
      while reader.remaining > 0 {
        let row = try ImageRow(decoding: &reader)
        guard row.key.count <= store.maximumKeyByteCount,
          row.key.count + row.value.count <= store.maximumInlineByteCount
        else { throw reader.corrupt("a row that fits into a page", "\(row.key.count) + value") }
        try requireAscent(row, reader)
        batch.set(row.key, to: row.value, in: row.keyspace)
        if batch.byteCount > 1 << 18 {
          try store.commit(batch.finish(), at: Self.timestamp)
          batch.removeAll()
        }
      }
      if batch.entryCount > 0 { try store.commit(batch.finish(), at: Self.timestamp) }
    } catch let error as CorruptionError {
      throw .corrupt(error)
    } catch let error as StoreError {
      throw .store(error)
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
  }

  private func requireAscent(_ row: ImageRow, _ reader: FieldReader) throws(CorruptionError) {
    let ascends = lastKey.withByteView { last in
      row.keyspace == lastKeyspace ? last.compare(row.key) < 0 : lastKeyspace < row.keyspace
    }
    guard ascends else { throw reader.corrupt("a row above the one before", "one at or below it") }
    lastKeyspace = row.keyspace
    lastKey = row.key.array
  }

  /// Completes the state by the row that says how far it goes, makes all of it durable and closes it.
  func finish(_ row: StateRow) throws(NodeError) {
    defer { close() }
    batch.removeAll()
    var bytes = ByteBuffer()
    row.encode(into: &bytes)
    StateMachine.stateKey.withByteView {
      batch.set($0, to: bytes.view, in: StateMachine.stateRows)
    }
    let timestamp = StateMachine.timestamp(of: row.base.slot)
    do {
      try store.commit(batch.finish(), at: timestamp)
      try store.write(store.captureCheckpoint(ownerState: [], timestamp: timestamp))
    } catch {
      throw .store(error)
    }
  }

  /// Gives up, or ends.
  func close() {
    if isOpen { store.close() }
    isOpen = false
  }
}

/// A row of an image: keyspace, key and value. Normative: `format-spec/image-chunk.md`.
struct ImageRow {
  let keyspace: KeyspaceID
  let key: ByteView
  let value: ByteView

  static func encode(
    _ keyspace: KeyspaceID, _ key: ByteView, _ value: ByteView, into buffer: inout ByteBuffer
  ) {
    buffer.append(integer: UInt8(truncatingIfNeeded: keyspace.rawValue))
    buffer.append(counted32: key)
    buffer.append(counted32: value)
  }

  init(decoding reader: inout FieldReader) throws(CorruptionError) {
    keyspace = KeyspaceID(UInt32(try reader.integer(UInt8.self)))
    guard keyspace == StateMachine.data || keyspace == StateMachine.sessionRows else {
      throw reader.corrupt("a keyspace of an image", "\(keyspace.rawValue)")
    }
    key = try reader.counted()
    value = try reader.counted()
    guard !key.isEmpty else { throw reader.corrupt("a key", "none") }
  }
}
