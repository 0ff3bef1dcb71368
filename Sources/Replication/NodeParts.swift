internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import RedoLog
internal import VersionStore

/// What opening a directory yields: everything durable that a node has, read and joined.
// SENDABLE: handed from the thread that opens to the node's own.
struct NodeParts: @unchecked Sendable {
  let log: NodeLog
  let members: [GroupMember]

  static let identityName = "identity"
  static let lockName = "lock"

  // MARK: Making a node

  /// Makes a node of an empty directory. Its identity is written last, by a renaming: a directory
  /// without one is none, whatever else is in it.
  static func format(
    _ directory: String, cluster: DatabaseID, configuration: LogConfiguration, _ effects: Effects
  ) throws(NodeError) -> NodeIdentity {
    let path = FilePath.join(directory, identityName)
    try fileWork { () throws(FileError) in
      try effects.files.createDirectory(directory)
      try effects.files.syncDirectory(FilePath.parent(of: directory))
    }
    let isThere = try fileWork { () throws(FileError) in
      try effects.files.kind(of: path) != .absent
    }
    if isThere { throw .alreadyFormatted(path: directory) }
    let identity = NodeIdentity(
      cluster: cluster,
      node: NodeID(high: effects.entropy.next(), low: effects.entropy.next()))
    do {
      try RedoLog.create(
        directory: directory, id: cluster, effects: effects, configuration: configuration
      ).close()
    } catch {
      throw .log(error)
    }
    try PromiseFiles(directory: directory, effects: effects)
      .rewrite(PromiseTable(identity: identity))
    try fileWork { () throws(FileError) in
      let temporary = path + ".new"
      if try effects.files.kind(of: temporary) == .file { try effects.files.remove(temporary) }
      let file = try effects.files.open(temporary, FileMode(creation: .always))
      try identity.encoded.withByteView { (bytes) throws(FileError) in
        try file.write(bytes, at: 0)
      }
      try file.sync(.full)
      try effects.files.rename(temporary, to: path)
      try effects.files.syncDirectory(directory)
    }
    return identity
  }

  static func identity(
    of directory: String, _ effects: Effects
  ) throws(NodeError) -> NodeIdentity {
    let path = FilePath.join(directory, identityName)
    let bytes = try fileWork { () throws(FileError) -> [UInt8]? in
      guard try effects.files.kind(of: path) == .file else { return nil }
      return try PromiseFiles.contents(path, effects)
    }
    guard let bytes else { throw .notFormatted(path: directory) }
    do {
      return try bytes.withByteView { (view) throws(CorruptionError) in
        try NodeIdentity(decoding: view)
      }
    } catch {
      throw .corrupt(error.placed(in: path))
    }
  }

  // MARK: Opening

  /// Opens everything, in this order: the promises, the states, and then the log, which is read from
  /// where the promises say and of which only what lies above the states is kept.
  static func open(
    _ directory: String, _ identity: NodeIdentity, groups: [GroupDescription],
    configuration: NodeConfiguration, followsFailure: Bool, _ effects: Effects
  ) throws(NodeError) -> NodeParts {
    let table = try PromiseFiles.read(directory, effects)
    var machines: [StateMachine] = []
    var isDone = false
    defer { if !isDone { for machine in machines { machine.store.close() } } }
    let groups = groups.sorted { $0.group < $1.group }
    var unfounded: [GroupDescription] = []
    for description in groups {
      let folder = StateFile.folder(of: description.group, in: directory)
      let row = table?.rows[description.group]
      let exists = try StateFile.exists(folder: folder, effects)
      // Promises without a state: it is gone, unless it never was.
      if let row, !row.isFounding, !exists { throw .lostState(description.group) }
      if !exists || row?.isFounding == true { unfounded.append(description) }
    }
    if let table, !unfounded.isEmpty {
      try found(unfounded, in: directory, identity, table, configuration, effects)
    } else {
      // Nobody knows what such a replica promised before: it begins as an amnesiac.
      for description in unfounded {
        try StateFile.found(
          description.founding,
          folder: StateFile.folder(of: description.group, in: directory),
          cluster: identity.cluster, configuration.store, effects)
      }
    }
    for description in groups {
      let folder = StateFile.folder(of: description.group, in: directory)
      try StateFile.removeLeftovers(in: folder, effects)
      let store = try StateFile.open(folder: folder, configuration.store, effects)
      do {
        machines.append(try StateMachine(store: store))
      } catch {
        store.close()
        throw error
      }
    }
    let recovered = try NodeLog.open(
      directory: directory, identity: identity,
      table: unfounded.isEmpty ? table : try PromiseFiles.read(directory, effects),
      floors: Dictionary(
        uniqueKeysWithValues: zip(groups, machines).map { ($0.group, $1.row.base.slot) }),
      followsFailure: followsFailure, configuration: configuration.log, effects: effects)
    let now = BootTime(nanoseconds: effects.time.continuous())
    let members = zip(groups, machines).map { description, machine in
      member(description, machine, directory, recovered, now, effects)
    }
    isDone = true
    return NodeParts(log: recovered.log, members: members)
  }

  /// Makes the states of new groups. A row that says so comes before and goes after, so that a crash
  /// in between is told from a state that was lost.
  private static func found(
    _ groups: [GroupDescription], in directory: String, _ identity: NodeIdentity,
    _ table: PromiseTable, _ configuration: NodeConfiguration, _ effects: Effects
  ) throws(NodeError) {
    var table = table
    let files = PromiseFiles(directory: directory, effects: effects)
    for description in groups { table.rows[description.group] = .init(isFounding: true) }
    table.sequence += 1
    try files.rewrite(table)
    for description in groups {
      try StateFile.found(
        description.founding, folder: StateFile.folder(of: description.group, in: directory),
        cluster: identity.cluster, configuration.store, effects)
      table.rows[description.group]?.isFounding = false
    }
    table.sequence += 1
    try files.write(table)
  }

  private static func member(
    _ description: GroupDescription, _ machine: StateMachine, _ directory: String,
    _ recovered: RecoveredLog, _ now: BootTime, _ effects: Effects
  ) -> GroupMember {
    let row = recovered.log.table.rows[description.group]
    let base = machine.row.base
    let unknown = row?.unknown.flatMap { range -> Range<Slot>? in
      let lower = max(range.lowerBound, base.slot.next)
      return lower < range.upperBound ? lower..<range.upperBound : nil
    }
    let replica = Replica(
      id: description.replica, group: description.group, settings: description.settings,
      recovered: RecoveredState(
        hardState: row?.hardState, base: base, entries: recovered.entries[description.group] ?? [],
        unknown: unknown, appliedSlot: base.slot),
      seed: effects.entropy.next(), now: now)
    return GroupMember(
      description: description, folder: StateFile.folder(of: description.group, in: directory),
      replica: replica, machine: machine, durableSlot: base.slot,
      unsureThrough: row?.unknown?.upperBound)
  }
}
