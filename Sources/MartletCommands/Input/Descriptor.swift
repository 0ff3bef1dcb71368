#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// An open file, pipe or terminal, through the plain calls of the system: a read returns what is
/// there, so that a pipe is served line by line.
// SAFETY: every call passes memory of an array that the array lends for the call alone, or
// memory of a local value.
package struct Descriptor: Sendable {
  package static let standardInput = Descriptor(number: 0)
  package static let standardOutput = Descriptor(number: 1)
  package static let standardError = Descriptor(number: 2)

  package let number: Int32

  package init(number: Int32) { self.number = number }

  /// Opens a file to read it.
  ///
  /// - Throws: `ToolError` with the path and the reason.
  package init(reading path: String) throws {
    number = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw ToolError("\(path): \(Self.reason(errno))") }
    var status = stat()
    if unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      closeFile()
      throw ToolError("\(path): this is a directory, a file is needed")
    }
  }

  /// Makes a file, or empties one, to write it.
  ///
  /// - Throws: `ToolError` with the path and the reason.
  package init(creating path: String) throws {
    number = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard number >= 0 else { throw ToolError("\(path): \(Self.reason(errno))") }
  }

  /// The size of a regular file; nil for pipes and terminals.
  package var byteCount: Int? {
    var status = stat()
    guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  package var isTerminal: Bool { isatty(number) == 1 }

  /// The columns of the terminal; nil when it is none.
  package var columnCount: Int? {
    var size = winsize()
    guard unsafe ioctl(number, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Waits for bytes and returns at most `limit` of them; empty at the end.
  package func read(atMost limit: Int) throws -> [UInt8] {
    while true {
      var failure: Int32 = 0
      let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
        let result = unsafe systemRead(number, buffer.baseAddress, limit)
        if result < 0 { failure = errno }
        count = max(result, 0)
      }
      if failure == 0 { return bytes }
      if failure != EINTR { throw ToolError("reading failed: \(Self.reason(failure))") }
    }
  }

  /// Writes all of the bytes.
  package func write(_ bytes: [UInt8]) throws {
    var written = 0
    while written < bytes.count {
      let result = unsafe bytes.withUnsafeBytes { buffer in
        unsafe systemWrite(number, buffer.baseAddress! + written, bytes.count - written)
      }
      if result >= 0 {
        written += result
      } else if errno != EINTR {
        throw ToolError("writing failed: \(Self.reason(errno))")
      }
    }
  }

  package func write(_ text: String) throws { try write(Array(text.utf8)) }

  /// Waits until what was written is on the medium.
  package func synchronize() throws {
    guard fsync(number) == 0 else { throw ToolError("writing failed: \(Self.reason(errno))") }
  }

  package func closeFile() { _ = systemClose(number) }

  private static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}

// The members above have the same names as the calls they make.

@unsafe private func systemRead(_ number: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int)
  -> Int
{
  unsafe read(number, buffer, count)
}

private func systemWrite(_ number: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
  unsafe write(number, buffer, count)
}

private func systemClose(_ number: Int32) -> Int32 { close(number) }
