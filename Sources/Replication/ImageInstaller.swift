internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import VersionStore

/// Builds the state that an image brings, beside the one that is in use.
// SENDABLE: used by the work thread, and by the loop when that has ended.
final class ImageInstaller: @unchecked Sendable {
  private let folder: String
  private let cluster: DatabaseID
  private let settings: StoreConfiguration
  private let effects: Effects
  private var builder: StateBuilder?
  /// Opened, and not taken yet by whoever is to use it.
  private var installed: VersionStore?

  init(folder: String, cluster: DatabaseID, settings: StoreConfiguration, effects: Effects) {
    self.folder = folder
    self.cluster = cluster
    self.settings = settings
    self.effects = effects
  }

  func begin() {
    abandon()
    do throws(NodeError) {
      builder = try StateBuilder(
        folder: folder, cluster: cluster, settings: settings, effects: effects)
    } catch {
      warn(error)
    }
  }

  /// Adds the rows of a chunk. False: they could not be, and the image is lost.
  func store(_ rows: [UInt8]) -> Bool {
    guard let builder else { return false }
    do throws(NodeError) {
      try rows.withByteView { (bytes) throws(NodeError) in try builder.add(bytes) }
      return true
    } catch {
      warn(error)
      abandon()
      return false
    }
  }

  /// Completes the state and gives it its name, in one step that is durable or has not happened.
  ///
  /// - Throws: it is not known which state has the name: the node has to be opened again.
  func install(_ row: StateRow) throws(NodeError) {
    guard let builder = builder.take() else {
      throw .corrupt(
        CorruptionError(
          location: "image in \(folder)", expected: "a state that was begun", found: "none"))
    }
    try builder.finish(row)
    try StateFile.install(folder: folder, effects)
    installed = try StateFile.open(folder: folder, settings, effects)
  }

  /// The installed state; whoever takes it closes it.
  func takeInstalled() -> VersionStore? { installed.take() }

  func abandon() {
    builder?.close()
    builder = nil
    installed?.close()
    installed = nil
  }

  private func warn(_ error: NodeError) {
    effects.events.report(
      Event(.warning, kind: .replication, "an image could not be taken in: \(error)"))
  }
}
