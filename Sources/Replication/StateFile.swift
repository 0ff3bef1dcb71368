internal import Consensus
internal import Environment
internal import Primitives
internal import VersionStore
internal import RawBytes

/// The file in which a replica keeps its state, in a folder of its group.
///
/// ```
///   group-0000000a/state            the version store
///   group-0000000a/building[.new]   a state on its way: of a new group, or from an image
///   group-0000000a/image-…          an image on its way to another replica
/// ```
///
/// - Invariant SF1: `state` is a whole state, durable, at some slot: it gets its name by a renaming
///   when it is, and replaces the one before in the same moment (rule S1).
enum StateFile {
  static let name = "state"
  static let building = "building"
  static let imagePrefix = "image-"

  static func folder(of group: GroupID, in directory: String) -> String {
    let digits = String(group.rawValue, radix: 16)
    return FilePath.join(
      directory, "group-" + String(repeating: "0", count: 8 - digits.count) + digits)
  }

  /// Makes the state of a new group. Durable when it returns; a leftover of an earlier attempt is
  /// replaced.
  static func found(
    _ configuration: Configuration, folder: String, cluster: DatabaseID,
    _ settings: StoreConfiguration, _ effects: Effects
  ) throws(NodeError) {
    try fileWork { () throws(FileError) in
      try effects.files.createDirectory(folder)
      try effects.files.syncDirectory(FilePath.parent(of: folder))
    }
    try removeLeftovers(in: folder, effects)
    let builder = try StateBuilder(
      folder: folder, cluster: cluster, settings: settings, effects: effects)
    try builder.finish(StateRow(founding: configuration))
    try install(folder: folder, effects)
  }

  /// The finished state becomes the state: the one atomic step.
  static func install(folder: String, _ effects: Effects) throws(NodeError) {
    try fileWork { () throws(FileError) in
      try effects.files.rename(
        FilePath.join(folder, building), to: FilePath.join(folder, name))
      try effects.files.syncDirectory(folder)
    }
  }

  static func open(
    folder: String, _ settings: StoreConfiguration, _ effects: Effects
  ) throws(NodeError) -> VersionStore {
    do {
      return try VersionStore.open(
        path: FilePath.join(folder, name), configuration: settings, effects: effects
      ).store
    } catch {
      throw .store(error)
    }
  }

  static func exists(folder: String, _ effects: Effects) throws(NodeError) -> Bool {
    try fileWork { () throws(FileError) in
      try effects.files.kind(of: FilePath.join(folder, name)) == .file
    }
  }

  /// Removes what was being made when a process ended.
  static func removeLeftovers(in folder: String, _ effects: Effects) throws(NodeError) {
    try fileWork { () throws(FileError) in
      for entry in try effects.files.list(folder)
      where entry.hasPrefix(building) || entry.hasPrefix(imagePrefix) || entry.hasSuffix(".new") {
        try effects.files.remove(FilePath.join(folder, entry))
      }
    }
  }
}

/// Runs calls into the file system, and translates what they throw.
func fileWork<Result>(
  _ body: () throws(FileError) -> Result
) throws(NodeError) -> Result {
  do { return try body() } catch { throw .file(error) }
}
