internal import RawBytes
internal import Synchronization

/// The names of keyspaces that are being built: nobody else may make one of that name.
final class BuildNames: Sendable {
  private let names = Mutex<Set<String>>([])

  /// False when somebody builds one of that name already.
  func reserve(_ name: String) -> Bool { names.withLock { $0.insert(name).inserted } }

  func release(_ name: String) { names.withLock { _ = $0.remove(name) } }

  /// Whether nothing is being built.
  var isEmpty: Bool { names.withLock { $0.isEmpty } }

  func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}
