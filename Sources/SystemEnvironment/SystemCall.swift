internal import Environment

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// How this module talks to the operating system: an interrupted call is made again, a failed one
/// becomes a `FileError` with the call, the path and the number.
enum SystemCall {
  /// Makes a call that answers -1 and sets `errno` when it fails.
  static func check<Answer: SignedInteger>(
    _ call: FileError.Call, _ path: String, _ body: () -> Answer
  ) throws(FileError) -> Answer {
    while true {
      let answer = body()
      if answer != -1 { return answer }
      let number = errno
      if number != EINTR { throw FileError(call: call, path: path, number: number) }
    }
  }

  /// Makes a call that answers 0 or the number of its failure.
  static func checkNumber(
    _ call: FileError.Call, _ path: String, _ body: () -> Int32
  ) throws(FileError) {
    while true {
      let number = body()
      if number == 0 { return }
      if number != EINTR { throw FileError(call: call, path: path, number: number) }
    }
  }
}

/// A file descriptor, closed with its owner.
struct Descriptor: ~Copyable, Sendable {
  let number: Int32

  init(_ number: Int32) { self.number = number }

  deinit { _ = close(number) }
}
