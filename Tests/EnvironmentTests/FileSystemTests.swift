import Environment
import RawBytes
import Testing

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite struct FileSystemTests {
  @Test(arguments: World.allCases)
  func `what is written is read, at every offset`(_ world: World) throws {
    try world.withDirectory { files, directory in
      let file = try files.open(directory + "/a", FileMode(creation: .always))
      #expect(try file.read(10, at: 0) == [])
      try file.write([1, 2, 3], at: 5)
      #expect(try file.size() == 8)
      #expect(try file.read(100, at: 0) == [0, 0, 0, 0, 0, 1, 2, 3])
      #expect(try file.read(2, at: 6) == [2, 3])
      #expect(try file.read(2, at: 8) == [])
      let far = UInt64(3) << 20
      try file.write([9], at: far - 1)
      #expect(try file.read(8, at: far - 2) == [0, 9])
      let long = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
      try file.write(long, at: (1 << 20) - 50_001)
      #expect(try file.read(100_000, at: (1 << 20) - 50_001) == long)
      #expect(try file.size() == far)
    }
  }

  @Test(arguments: World.allCases)
  func `opening makes, finds or refuses as the mode says`(_ world: World) throws {
    try world.withDirectory { files, directory in
      let path = directory + "/a"
      #expect(number { _ = try files.open(path, FileMode(creation: .never)) } == ENOENT)
      try files.open(path, FileMode(creation: .ifAbsent)).write([1], at: 0)
      #expect(try files.open(path, FileMode(creation: .ifAbsent)).size() == 1)
      #expect(number { _ = try files.open(path, FileMode(creation: .always)) } == EEXIST)
      #expect(number { _ = try files.open(directory, FileMode()) } == EISDIR)
      let missing = directory + "/no/a"
      #expect(number { _ = try files.open(missing, FileMode(creation: .ifAbsent)) } == ENOENT)
      let readOnly = try files.open(path, FileMode(isWritable: false))
      #expect(number { try readOnly.write([1], at: 0) } == EBADF)
    }
  }

  @Test(arguments: World.allCases)
  func `names are listed, renamed over others and removed`(_ world: World) throws {
    try world.withDirectory { files, directory in
      func make(_ name: String, _ byte: UInt8) throws -> any File {
        let file = try files.open(directory + "/" + name, FileMode(creation: .always))
        try file.write([byte], at: 0)
        return file
      }
      let replaced = try make("b", 2)
      _ = try make("a", 1)
      _ = try make("c", 3)
      try files.createDirectory(directory + "/sub")
      try files.createDirectory(directory + "/sub")
      #expect(try files.list(directory) == ["a", "b", "c", "sub"])
      #expect(try files.kind(of: directory + "/sub") == .directory)
      #expect(try files.kind(of: directory + "/a") == .file)
      #expect(try files.kind(of: directory + "/x") == .absent)
      try files.rename(directory + "/a", to: directory + "/b")
      try files.remove(directory + "/c")
      try files.syncDirectory(directory)
      #expect(try files.list(directory) == ["b", "sub"])
      #expect(try files.open(directory + "/b", FileMode()).read(1, at: 0) == [1])
      #expect(try replaced.read(1, at: 0) == [2], "an open file outlives its name")
      #expect(number { try files.remove(directory + "/c") } == ENOENT)
      #expect(number { try files.rename(directory + "/c", to: directory + "/d") } == ENOENT)
      _ = try files.open(directory + "/sub/x", FileMode(creation: .always))
      #expect(number { try files.remove(directory + "/sub") } == ENOTEMPTY)
      try files.remove(directory + "/sub/x")
      try files.remove(directory + "/sub")
      #expect(try files.list(directory) == ["b"])
      #expect(number { _ = try files.list(directory + "/sub") } == ENOENT)
    }
  }

  @Test(arguments: World.allCases)
  func `a file is cut, extended with zeros, and allocated`(_ world: World) throws {
    try world.withDirectory { files, directory in
      let file = try files.open(directory + "/a", FileMode(creation: .always))
      try file.write([UInt8](repeating: 7, count: 10_000), at: 0)
      try file.truncate(to: 5_000)
      #expect(try file.size() == 5_000)
      try file.truncate(to: 10_000)
      #expect(
        try file.read(10_000, at: 0)
          == [UInt8](repeating: 7, count: 5_000) + [UInt8](repeating: 0, count: 5_000))
      try file.allocate(8_192..<65_536)
      #expect(try file.size() == 65_536)
      #expect(try file.read(10, at: 65_526) == [UInt8](repeating: 0, count: 10))
      #expect(try file.read(1, at: 4_999) == [7])
      try file.sync(.full)
      try file.sync(.barrier)
    }
  }

  @Test(arguments: World.allCases)
  func `a hole reads as zeros and gives its blocks back`(_ world: World) throws {
    try world.withDirectory { files, directory in
      let file = try files.open(directory + "/a", FileMode(creation: .always))
      try file.write([UInt8](repeating: 7, count: 1 << 20), at: 0)
      try file.sync(.full)
      let before = try file.allocatedSize()
      try file.punchHole(65_536..<131_072)
      #expect(try file.size() == 1 << 20)
      try file.sync(.full)
      #expect(try file.allocatedSize() < before)
      #expect(try file.read(65_536, at: 65_536) == [UInt8](repeating: 0, count: 65_536))
      #expect(try file.read(1, at: 65_535) == [7])
      #expect(try file.read(1, at: 131_072) == [7])
    }
  }

  @Test(arguments: World.allCases)
  func `a lock is held once, until it is let go (F8)`(_ world: World) throws {
    try world.withDirectory { files, directory in
      var lock = try files.lock(directory + "/lock")
      #expect(lock != nil)
      #expect(try files.lock(directory + "/lock") == nil)
      lock?.unlock()
      lock?.unlock()
      let second = try files.lock(directory + "/lock")
      #expect(second != nil)
      lock = nil
      #expect(try files.lock(directory + "/lock") == nil, "a lock let go lets go of no other")
      _ = second
    }
  }

  @Test(arguments: World.allCases)
  func `direct and synchronous files read what they wrote`(_ world: World) throws {
    try world.withDirectory { files, directory in
      let mode = FileMode(creation: .always, isDataSynchronous: true, isDirect: true)
      let file = try files.open(directory + "/a", mode)
      try file.write([UInt8](repeating: 5, count: 8_192), at: 4_096)
      #expect(
        try file.read(16_384, at: 0)
          == [UInt8](repeating: 0, count: 4_096) + [UInt8](repeating: 5, count: 8_192))
      #if os(Linux)
        #expect(file.isDataSynchronous)
      #endif
      try file.truncate(to: 5_000)
      #expect(try file.read(8_192, at: 0).count == 5_000)
    }
  }
}
