/// The lines of a dump, from pieces of any length.
struct DumpLines {
  private let source: () throws -> [UInt8]?
  private var piece: [UInt8] = []
  private var position = 0
  private var isOver = false
  /// The number of the line that was taken last, from 1.
  private(set) var number = 0

  /// No line is longer: what a value of 256 MiB takes in digits.
  static let limit = 1 << 29

  init(_ source: @escaping () throws -> [UInt8]?) { self.source = source }

  /// The next line, without its end; nil behind the last.
  ///
  /// - Throws: `invalidArgument` for a line that is too long, and what the source throws.
  mutating func next() throws -> [UInt8]? {
    var line: [UInt8] = []
    var isAny = false
    number += 1
    while true {
      if position == piece.count {
        guard !isOver, let next = try source(), !next.isEmpty else {
          isOver = true
          if !isAny { number -= 1 }
          return isAny ? withoutReturn(line) : nil
        }
        piece = next
        position = 0
      }
      isAny = true
      if let end = piece[position...].firstIndex(of: 0x0A) {
        line += piece[position..<end]
        position = end + 1
        return withoutReturn(line)
      }
      line += piece[position...]
      position = piece.count
      guard line.count <= Self.limit else {
        throw error("it has more than \(Self.limit) bytes")
      }
    }
  }

  /// A file that went through a system that ends lines with two characters.
  private func withoutReturn(_ line: [UInt8]) -> [UInt8] {
    line.last == 0x0D ? line.dropLast() : line
  }

  /// An error at the line taken last.
  func error(_ what: String) -> DatabaseError { Self.error(number, what) }

  static func error(_ line: Int, _ what: String) -> DatabaseError {
    DatabaseError(.invalidArgument, "line \(line) of the dump: \(what)")
  }
}
