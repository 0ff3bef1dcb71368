/// Writes entries down as lines of a dump, and hands them on in large pieces.
package struct DumpWriter {
  private let format: DumpFormat
  private let sink: ([UInt8]) throws -> Void
  private var buffer: [UInt8] = []
  private var sectionCount = 0
  /// What `mapsize` says: LMDB needs to know how large the data may get.
  private let mapByteCount: Int

  private static let pieceByteCount = 256 << 10

  package init(
    _ format: DumpFormat, mapByteCount: Int, into sink: @escaping ([UInt8]) throws -> Void
  ) {
    self.format = format
    self.mapByteCount = mapByteCount
    self.sink = sink
  }

  private mutating func line(_ text: String) {
    buffer += text.utf8
    buffer.append(0x0A)
  }

  private mutating func handOn(atLeast byteCount: Int) throws {
    guard buffer.count >= byteCount, !buffer.isEmpty else { return }
    try sink(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  package mutating func begin(timestamp: UInt64) {
    guard format == .martlet else { return }
    line("\(MartletDumpReader.firstWord) \(MartletDumpReader.version)")
    line("# every commit up to \(timestamp), and none after")
  }

  /// - Parameter name: nil when it needs none.
  package mutating func beginSection(_ name: String?, options: [UInt8]) {
    switch format {
    case .martlet:
      buffer += "keyspace ".utf8
      DumpField.append((name ?? "").utf8, to: &buffer)
      line("")
      if !options.isEmpty {
        buffer += "options ".utf8
        DumpField.append(options, to: &buffer)
        line("")
      }
    case .lmdb(let notation):
      header(notation, name)
      line("mapsize=\(mapByteCount)")
      line("maxreaders=126")
      line("HEADER=END")
    case .berkeleyDB(let notation):
      header(notation, name)
      line("HEADER=END")
    }
    sectionCount += 1
  }

  private mutating func header(_ notation: DumpNotation, _ name: String?) {
    line("VERSION=3")
    line("format=\(notation.rawValue)")
    if let name {
      buffer += "database=".utf8
      buffer += name.utf8
      line("")
    }
    line("type=btree")
  }

  /// Longer values are written in pieces of so many bytes.
  static let valuePieceByteCount = 1 << 20

  /// A whole entry.
  package mutating func append(_ key: [UInt8], _ value: [UInt8], expiry: UInt64) throws {
    try beginEntry(key)
    var rest = value[...]
    repeat {
      let piece = rest.prefix(Self.valuePieceByteCount)
      appendPiece(piece, isFirst: rest.count == value.count, expiry: expiry)
      try handOnPiece()
      rest = rest.dropFirst(piece.count)
    } while !rest.isEmpty
    try endEntry()
  }

  // An entry whose value comes in pieces: begin, pieces, end.

  mutating func beginEntry(_ key: [UInt8]) throws {
    buffer.append(UInt8(ascii: " "))
    switch format {
    case .martlet: DumpField.append(key, to: &buffer)
    case .lmdb(let notation), .berkeleyDB(let notation):
      append(key[...], notation)
      line("")
      buffer.append(UInt8(ascii: " "))
    }
  }

  mutating func appendPiece(_ value: ArraySlice<UInt8>, isFirst: Bool, expiry: UInt64) {
    switch format {
    case .martlet where isFirst:
      buffer.append(DumpField.tab)
      DumpField.append(value, to: &buffer)
      if expiry > 0 { buffer += "\texpires=\(expiry)".utf8 }
    case .martlet:
      buffer += "\n+".utf8
      DumpField.append(value, to: &buffer)
    case .lmdb(let notation), .berkeleyDB(let notation): append(value, notation)
    }
  }

  mutating func handOnPiece() throws { try handOn(atLeast: Self.pieceByteCount) }

  mutating func endEntry() throws {
    line("")
    try handOnPiece()
  }

  private mutating func append(_ bytes: ArraySlice<UInt8>, _ notation: DumpNotation) {
    switch notation {
    case .bytes:
      buffer.reserveCapacity(buffer.count + 2 * bytes.count + 1)
      for byte in bytes { Hexadecimal.append(byte, to: &buffer) }
    case .printable:
      for byte in bytes {
        switch byte {
        case UInt8(ascii: "\\"): buffer += "\\\\".utf8
        case 0x20...0x7E: buffer.append(byte)
        default: Hexadecimal.append(byte, after: "\\", to: &buffer)
        }
      }
    }
  }

  package mutating func endSection(entryCount: Int) {
    switch format {
    case .martlet: line("end \(entryCount)")
    case .lmdb, .berkeleyDB: line("DATA=END")
    }
  }

  package mutating func end() throws {
    if format == .martlet { line("end-of-dump") }
    try handOn(atLeast: 1)
  }
}
