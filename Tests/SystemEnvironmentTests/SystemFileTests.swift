import CMartlet
import Environment
import RawBytes
import SystemEnvironment
import Testing

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A directory in the system's temporary one, removed with the value.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/martlet-system-XXXXXX".utf8CString)
    path = try unsafe template.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress, unsafe mkdtemp(start) != nil else {
        throw FileError(call: .createDirectory, path: "/tmp", number: errno)
      }
      return unsafe String(cString: start)
    }
  }

  deinit {
    let files = SystemFileSystem()
    for name in (try? files.list(path)) ?? [] { try? files.remove(path + "/" + name) }
    try? files.remove(path)
  }
}

@Suite struct SystemFileTests {
  private let directory: TemporaryDirectory
  private let files = SystemFileSystem()

  init() throws { directory = try TemporaryDirectory() }

  @Test func `an error names the call, the path and the number`() throws {
    let path = directory.path + "/absent"
    #expect(throws: FileError(call: .open, path: path, number: ENOENT)) {
      try files.open(path, FileMode())
    }
    #expect(throws: FileError(call: .syncDirectory, path: path, number: ENOENT)) {
      try files.syncDirectory(path)
    }
    #expect(throws: FileError(call: .remove, path: path, number: ENOENT)) {
      try files.remove(path)
    }
  }

  @Test func `another description's lock is somebody else's (F8)`() throws {
    let path = directory.path + "/lock"
    let number = unsafe martlet_open(path, O_RDWR | O_CREAT, 0o644, false, false)
    #expect(number >= 0)
    #expect(martlet_lock_exclusive(number) == 0)
    #expect(try files.lock(path) == nil)
    close(number)
    #expect(try files.lock(path) != nil, "the lock went with its description")
  }

  @Test func `a lock of ours keeps other descriptions out, whatever else is closed (F8)`() throws {
    let path = directory.path + "/lock"
    let lock = try files.lock(path)
    #expect(lock != nil)
    _ = try files.open(path, FileMode()).size()  // opened and closed: a POSIX lock would be gone
    let number = unsafe martlet_open(path, O_RDWR, 0, false, false)
    defer { close(number) }
    #expect(martlet_lock_exclusive(number) == EWOULDBLOCK)
    lock?.unlock()
    #expect(martlet_lock_exclusive(number) == 0)
  }

  @Test func `a link to the lock file is the lock file (F8)`() throws {
    let path = directory.path + "/lock"
    let lock = try files.lock(path)
    #expect(unsafe symlink(path, directory.path + "/symbolic") == 0)
    #expect(unsafe link(path, directory.path + "/hard") == 0)
    #expect(try files.lock(directory.path + "/symbolic") == nil)
    #expect(try files.lock(directory.path + "/hard") == nil)
    lock?.unlock()
    #expect(try files.lock(directory.path + "/hard") != nil)
  }

  @Test func `a lock that was let go is free although a child shares its description (F8)`() throws
  {
    // Whoever starts a program forks first: for a moment the child has all descriptors.
    let path = directory.path + "/lock"
    let lock = try files.lock(path)
    #expect(lock != nil)
    let child = forkProcess()
    if child == 0 {
      usleep(300_000)
      _exit(0)
    }
    lock?.unlock()
    #expect(try files.lock(path) != nil)
    var status: Int32 = 0
    #expect(unsafe waitpid(child, &status, 0) == child)
  }

  @Test func `a child of a fork is refused (F8)`() throws {
    let path = directory.path + "/a"
    let file = try files.open(path, FileMode(creation: .always))
    let lock = try files.lock(directory.path + "/lock")
    #expect(lock != nil)
    let child = forkProcess()
    if child == 0 {
      do {
        _ = try file.size()
        _exit(1)
      } catch {
        guard error.number == ESTALE else { _exit(2) }
      }
      do {
        _exit(try files.lock(directory.path + "/lock") == nil ? 42 : 3)
      } catch { _exit(4) }
    }
    var status: Int32 = 0
    #expect(unsafe waitpid(child, &status, 0) == child)
    #expect(status >> 8 & 0xFF == 42)
    #expect(try file.size() == 0, "the parent goes on")
    #expect(try files.lock(directory.path + "/lock") == nil, "and has its lock")
  }

  /// Swift hides `fork`; the child here only looks at what it inherited and leaves.
  private func forkProcess() -> pid_t {
    let handle = unsafe dlsym(nil, "fork")
    typealias Fork = @convention(c) () -> pid_t
    return unsafe unsafeBitCast(handle, to: Fork.self)()
  }

  @Test func `a short read happens at the end only`() throws {
    let file = try files.open(directory.path + "/a", FileMode(creation: .always))
    let memory = AlignedMemory(byteCount: 1 << 20)
    try file.write(memory.bytes[0..<700_000].view, at: 0)
    #expect(try file.read(into: memory.bytes, at: 0) == 700_000)
    #expect(try file.read(into: memory.bytes[0..<100], at: 699_950) == 50)
  }

  @Test func `misaligned direct I/O traps`() async {
    await #expect(processExitsWith: .failure) {
      let directory = try TemporaryDirectory()
      let file = try SystemFileSystem().open(
        directory.path + "/a", FileMode(creation: .always, isDirect: true))
      try file.write(AlignedMemory(byteCount: 8192).bytes[512..<4608].view, at: 0)
    }
  }
}
