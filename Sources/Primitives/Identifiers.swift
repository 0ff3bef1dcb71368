/// The logical number of a page. Where the page lies, in memory or in the file, is the page
/// table's and the page map's business. Zero names no page.
@frozen
public struct PageID: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The number itself.
  public let rawValue: UInt32

  /// Names a page by its number.
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// The id that names no page.
  @inlinable public static var none: PageID { PageID(0) }

  /// Ordered by number.
  @inlinable public static func < (left: PageID, right: PageID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The number of a keyspace: given once, never reused in the life of a database.
@frozen
public struct KeyspaceID: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The number itself.
  public let rawValue: UInt32

  /// Names a keyspace by its number.
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// The keyspace that holds the names and states of all others.
  @inlinable public static var catalog: KeyspaceID { KeyspaceID(0) }

  /// Ordered by number.
  @inlinable public static func < (left: KeyspaceID, right: KeyspaceID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The number of one transaction attempt, unique in the life of a process.
@frozen
public struct TransactionID: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The number itself.
  public let rawValue: UInt64

  /// Names a transaction by its number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Ordered by number.
  @inlinable public static func < (left: TransactionID, right: TransactionID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// A moment of the commit order: hybrid of wall-clock nanoseconds since 1970 and a counter, so
/// that every commit has its own, later commits have greater ones, and none is ever used twice.
@frozen
public struct Timestamp: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// Nanoseconds since 1970, or just above the commit before.
  public let rawValue: UInt64

  /// A moment by its number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Before every commit.
  @inlinable public static var zero: Timestamp { Timestamp(0) }

  /// After every commit.
  @inlinable public static var max: Timestamp { Timestamp(UInt64.max) }

  /// Ordered by number.
  @inlinable public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.rawValue < right.rawValue
  }
}

extension Timestamp: CustomStringConvertible {
  /// The number in decimal.
  public var description: String { String(rawValue) }
}

/// A position in the redo log, in bytes since the database was made. It only ever grows.
@frozen
public struct LogPosition: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// Bytes since the beginning of the log.
  public let rawValue: UInt64

  /// A position by its number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The beginning of the log.
  @inlinable public static var zero: LogPosition { LogPosition(0) }

  /// Ordered by number.
  @inlinable public static func < (left: LogPosition, right: LogPosition) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The number of a checkpoint. A failed attempt uses up its number.
@frozen
public struct Generation: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The number itself; 1 is the checkpoint that creates the database.
  public let rawValue: UInt64

  /// A checkpoint by its number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The checkpoint after this one.
  @inlinable public var next: Generation { Generation(rawValue + 1) }

  /// Ordered by number.
  @inlinable public static func < (left: Generation, right: Generation) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// 128 random bits that tell this database from every other.
@frozen
public struct DatabaseID: Hashable, Sendable, BitwiseCopyable {
  /// The upper half.
  public let high: UInt64
  /// The lower half.
  public let low: UInt64

  /// An identity from its two halves.
  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

extension DatabaseID: CustomStringConvertible {
  /// 32 hexadecimal digits.
  public var description: String {
    func digits(_ half: UInt64) -> String {
      let text = String(half, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    return digits(high) + digits(low)
  }
}
