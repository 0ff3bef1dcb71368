import Environment
import Testing

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite struct FileErrorTests {
  /// A process whose files may not grow beyond a limit got `inputOutput` for every commit: the
  /// limit was taken for a broken device (found by torture with real processes).
  @Test(arguments: [ENOSPC, EDQUOT, EFBIG])
  func `want of space is no failure of the device`(number: Int32) {
    #expect(FileError(call: .allocate, path: "/a", number: number).isForWantOfSpace)
  }

  @Test(arguments: [EIO, EROFS, ENOENT, EACCES, EINTR])
  func `every other failure is none of space`(number: Int32) {
    #expect(!FileError(call: .write, path: "/a", number: number).isForWantOfSpace)
  }
}
