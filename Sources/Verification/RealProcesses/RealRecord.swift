internal import RawBytes

/// What a tortured process tells its parent, in frames of a fixed head and a short tail: each frame
/// is one write of at most `PIPE_BUF` bytes to a pipe, and so arrives whole or not at all. Only the
/// dump, which is sent before any thread runs, may be longer.
///
/// ```text
///  offset  0      1        2       3       4             8        16          24       32
///         ┌──────┬────────┬───────┬───────┬─────────────┬────────┬───────────┬────────┬─────────
///         │ kind │ thread │ flags │   0   │ tail length │ number │ timestamp │ figure │ tail …
///         └──────┴────────┴───────┴───────┴─────────────┴────────┴───────────┴────────┴─────────
/// ```
package struct RealRecord: Sendable, Equatable {
  package enum Kind: UInt8, Sendable {
    /// The process runs and is about to open.
    case ready = 1
    /// The database is open; `figure` is how many nanoseconds that took.
    case opened
    /// The database could not be opened; the tail is the code's name and the message.
    case notOpened
    /// The tail is everything in the database.
    case dump
    /// A step is about to be asked for.
    case attempt
    /// The step was acknowledged, at `timestamp` if it was a transaction; `figure` is the
    /// monotonic clock.
    case acknowledged
    /// The step was refused and certainly did not happen; the tail is the code's name.
    case refused
    /// Something that only a broken engine says.
    case complaint
    /// The named point of this `number` was reached: the process kills itself now.
    case point
    /// The database was closed as asked: now everything that was acknowledged is durable.
    case closed
    /// What the engine has done so far in this life: the tail is a `RealEffort`.
    case effort
  }

  package let kind: Kind
  package let thread: Int
  /// Whether the acknowledgement promises that the commit survives.
  package let isDurable: Bool
  package let number: UInt64
  package let timestamp: UInt64
  package let figure: UInt64
  package let tail: [UInt8]

  package init(
    _ kind: Kind, thread: Int = 0, isDurable: Bool = false, number: UInt64 = 0,
    timestamp: UInt64 = 0, figure: UInt64 = 0, tail: [UInt8] = []
  ) {
    self.kind = kind
    self.thread = thread
    self.isDurable = isDurable
    self.number = number
    self.timestamp = timestamp
    self.figure = figure
    self.tail = tail
  }

  package init(_ kind: Kind, thread: Int = 0, number: UInt64 = 0, text: String) {
    // A frame stays below the 512 bytes that every system writes at once.
    self.init(kind, thread: thread, number: number, tail: Array(text.utf8.prefix(400)))
  }

  package var text: String { String(decoding: tail, as: UTF8.self) }

  package static let headByteCount = 32

  package var encoded: [UInt8] {
    var bytes: [UInt8] = [kind.rawValue, UInt8(thread), isDurable ? 1 : 0, 0]
    bytes.reserveCapacity(Self.headByteCount + tail.count)
    bytes.append(UInt32(tail.count))
    for number in [number, timestamp, figure] { bytes.append(number) }
    bytes += tail
    return bytes
  }

  /// Takes whole frames off the front of what arrived.
  ///
  /// - Throws: when it is no frame.
  package static func take(from bytes: inout [UInt8]) throws -> [RealRecord] {
    var records: [RealRecord] = []
    var offset = 0
    try bytes.withByteView { (view: ByteView) throws in
      while view.count - offset >= headByteCount {
        let tailCount = Int(view.load(UInt32.self, at: offset + 4))
        guard let kind = Kind(rawValue: view[offset]) else {
          throw CrashSession.Violation(description: "the child wrote no frame but \(view[offset])")
        }
        guard view.count - offset >= headByteCount + tailCount else { break }
        let tail = offset + headByteCount..<offset + headByteCount + tailCount
        records.append(
          RealRecord(
            kind, thread: Int(view[offset + 1]), isDurable: view[offset + 2] != 0,
            number: view.load(UInt64.self, at: offset + 8),
            timestamp: view.load(UInt64.self, at: offset + 16),
            figure: view.load(UInt64.self, at: offset + 24),
            tail: tailCount == 0 ? [] : view[tail].array))
        offset += headByteCount + tailCount
      }
    }
    if offset > 0 { bytes.removeSubrange(0..<offset) }
    return records
  }
}

extension [UInt8] {
  /// Appends an integer, little-endian.
  mutating func append(_ value: some FixedWidthInteger & UnsignedInteger) {
    var rest = value
    for _ in 0..<value.bitWidth / 8 {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}
