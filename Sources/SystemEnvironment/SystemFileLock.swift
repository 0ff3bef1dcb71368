internal import CMartlet
internal import Environment
internal import RawBytes
internal import Synchronization

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// What a file is, whatever its names: symbolic and hard links lead to the same one.
struct FileIdentity: Hashable, Sendable {
  var device: UInt64
  var inode: UInt64
}

/// A lock on a file, held by this process and by one holder in it (rule F8).
///
/// Locks of `fcntl` would vanish when any descriptor of the file closes, and would not conflict
/// inside a process. So the lock belongs to the open file description, which excludes other
/// processes, and a registry by identity excludes the rest of this one. The system lets go of the
/// description's lock when the process ends, however it ends: a crash leaves nothing behind.
///
/// - Invariant X5: an identity is in the registry exactly as long as a `SystemFileLock` of this
///   process holds it or is being taken.
/// - Invariant X6: a child of a fork inherits the description and the registry, and so is refused
///   by both, until the parent is gone or has let go. It cannot let go for the parent.
package final class SystemFileLock: FileLock {
  private static let registry = Mutex<Set<FileIdentity>>([])

  private let identity: FileIdentity
  private let descriptor: Mutex<Int32?>
  /// How many forks lay before the process that took it.
  private let forkDepth = martlet_fork_depth()

  private init(identity: FileIdentity, descriptor: Int32) {
    self.identity = identity
    self.descriptor = Mutex(descriptor)
  }

  deinit { unlock() }

  /// Takes the lock of a file, which is made when absent; nil when somebody holds it.
  // SAFETY: the path outlives the call.
  static func take(_ path: String) throws(FileError) -> SystemFileLock? {
    let number = try SystemCall.check(.lock, path) {
      unsafe martlet_open(path, O_RDWR | O_CREAT, 0o644, false, false)
    }
    guard let identity = SystemFileSystem.status(of: number)?.identity else {
      let error = FileError(call: .lock, path: path, number: errno)
      _ = close(number)
      throw error
    }
    guard registry.withLock({ $0.insert(identity).inserted }) else {
      _ = close(number)
      return nil
    }
    let refusal = martlet_lock_exclusive(number)
    if refusal == 0 { return SystemFileLock(identity: identity, descriptor: number) }
    registry.withLock { _ = $0.remove(identity) }
    _ = close(number)
    if refusal == EWOULDBLOCK { return nil }
    throw FileError(call: .lock, path: path, number: refusal)
  }

  /// Lets go. Closing is not enough: a child that another thread is about to start, and that has
  /// not yet become its program, shares the description for a moment, and would keep the lock. In a
  /// child of a fork closing is all that is right: it leaves the parent's hold alone.
  package func unlock() {
    let held = descriptor.withLock { descriptor in
      defer { descriptor = nil }
      return descriptor
    }
    guard let held else { return }
    if martlet_fork_depth() == forkDepth { _ = martlet_unlock(held) }
    _ = close(held)
    Self.registry.withLock { _ = $0.remove(identity) }
  }
}
