/// The bytes of an input, one after another, read a chunk at a time.
///
/// Knows its name for error messages, how much was consumed, and how much there is when that can
/// be known. A byte order mark at the beginning is skipped.
package struct ByteSource {
  /// What to call the input in messages.
  package let name: String
  /// The size of the whole input; nil for pipes.
  package let byteCount: Int?

  private let readChunk: () throws -> [UInt8]
  private var chunk: [UInt8] = []
  private var position = 0
  private var bytesBeforeChunk = 0
  private var reachedEnd = false

  package init(name: String, byteCount: Int?, readChunk: @escaping () throws -> [UInt8]) {
    self.name = name
    self.byteCount = byteCount
    self.readChunk = readChunk
  }

  /// Opens a file, or standard input for `-`.
  ///
  /// - Throws: `ToolError` with the path and the reason.
  package init(path: String) throws {
    let descriptor = path == "-" ? Descriptor.standardInput : try Descriptor(reading: path)
    self.init(
      name: path == "-" ? "standard input" : path, byteCount: descriptor.byteCount,
      readChunk: { try descriptor.read(atMost: 256 << 10) })
  }

  /// How many bytes `next` has given or skipped.
  package var consumedByteCount: Int { bytesBeforeChunk + position }

  /// The next byte; nil at the end.
  package mutating func next() throws -> UInt8? {
    if position == chunk.count, try !refill() { return nil }
    defer { position += 1 }
    return chunk[position]
  }

  /// Appends bytes up to the next line feed, which is skipped. False when there was nothing left.
  package mutating func appendLine(to line: inout [UInt8]) throws -> Bool {
    if position == chunk.count, try !refill() { return false }
    while true {
      if let end = chunk[position...].firstIndex(of: 0x0A) {
        line += chunk[position..<end]
        position = end + 1
        return true
      }
      line += chunk[position...]
      position = chunk.count
      if try !refill() { return true }
    }
  }

  private mutating func refill() throws -> Bool {
    guard !reachedEnd else { return false }
    let isFirst = bytesBeforeChunk == 0 && chunk.isEmpty
    bytesBeforeChunk += chunk.count
    chunk = try readChunk()
    position = 0
    reachedEnd = chunk.isEmpty
    if isFirst {
      // A pipe may hand out a byte order mark in pieces.
      while !chunk.isEmpty, chunk.count < Self.mark.count, Self.mark.starts(with: chunk) {
        let more = try readChunk()
        if more.isEmpty { break }
        chunk += more
      }
      if chunk.starts(with: Self.mark) {
        position = Self.mark.count
        if position == chunk.count { return try refill() }
      }
    }
    return !reachedEnd
  }

  static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
}

/// One record of a table: its fields, and the line it begins on, counted from 1.
package struct Record: Equatable {
  package var line: Int
  package var fields: [[UInt8]]

  package init(line: Int, fields: [[UInt8]]) {
    self.line = line
    self.fields = fields
  }
}

extension ByteSource {
  /// An error at a line of this input: `people.tsv:12: what is wrong`.
  package func error(line: Int, _ what: String) -> ToolError {
    ToolError("\(name):\(line): \(what)")
  }
}
