internal import RawBytes

/// What a keyspace is made with; fixed for its life.
public struct KeyspaceOptions: Sendable, Hashable {
  /// The least isolation level at which it may be written.
  ///
  /// A serializable transaction can rely on a rule among keys only if everybody who may break that
  /// rule is serializable too: weaker writers see less than they decide on. With `.serializable` here
  /// they are refused, and no reader has to trust them (rule M6).
  public var leastWriteIsolation: IsolationLevel

  /// Whether the log records what each commit replaces, so that change feeds tell old values.
  ///
  /// Each write then reads the value that it replaces, and the log holds it as well. A value above
  /// 1 MiB is recorded by its size only, and so is what comes behind 16 MiB of others in one commit.
  public var recordsPreviousValues: Bool

  /// How long entries live that are set without an expiry of their own; nil: for good. From one
  /// nanosecond to 292 years. See ``Expiry``.
  public var timeToLive: Duration? {
    get {
      timeToLiveNanoseconds == 0 ? nil : .nanoseconds(Int64(clamping: timeToLiveNanoseconds))
    }
    set {
      timeToLiveNanoseconds = newValue.map { min(max($0.nanoseconds, 1), UInt64(Int64.max)) } ?? 0
    }
  }

  /// Zero when entries live for good.
  var timeToLiveNanoseconds: UInt64 = 0

  /// The defaults: written at any level, without its history, for good; set what differs.
  public init(
    leastWriteIsolation: IsolationLevel = .readUncommitted, recordsPreviousValues: Bool = false,
    timeToLive: Duration? = nil
  ) {
    self.leastWriteIsolation = leastWriteIsolation
    self.recordsPreviousValues = recordsPreviousValues
    self.timeToLive = timeToLive
  }
}

// The bytes in the catalog: `format-spec/keyspace-options.md`.
extension KeyspaceOptions {
  private static let leastWriteIsolationTag: UInt8 = 1
  private static let timeToLiveTag: UInt8 = 3

  private static let previousValuesTag: UInt8 = 2

  /// Empty for the defaults.
  var encoded: [UInt8] {
    var fields: [UInt8] = []
    if leastWriteIsolation != .readUncommitted {
      fields += [Self.leastWriteIsolationTag, 1, leastWriteIsolation.number]
    }
    if recordsPreviousValues { fields += [Self.previousValuesTag, 1, 1] }
    if timeToLiveNanoseconds != 0 {
      fields += [Self.timeToLiveTag, 8]
      fields += (0..<8).map { UInt8(truncatingIfNeeded: timeToLiveNanoseconds >> (8 * $0)) }
    }
    return fields
  }

  /// Reads what the catalog holds.
  ///
  /// - Throws: `newerFormat` for a field that this version does not know.
  init(decoding bytes: [UInt8]) throws(DatabaseError) {
    self.init()
    var previous: UInt8 = 0
    var rest = bytes[...]
    while let tag = rest.popFirst() {
      guard tag > previous, let count = rest.popFirst(), rest.count >= Int(count) else {
        throw Self.corrupt(bytes)
      }
      previous = tag
      let field = rest.prefix(Int(count))
      rest = rest.dropFirst(Int(count))
      switch tag {
      case Self.leastWriteIsolationTag:
        guard field.count == 1, let number = field.first,
          let level = IsolationLevel.allCases.first(where: { $0.number == number })
        else { throw Self.corrupt(bytes) }
        leastWriteIsolation = level
      case Self.previousValuesTag:
        guard field.elementsEqual([1]) else { throw Self.corrupt(bytes) }
        recordsPreviousValues = true
      case Self.timeToLiveTag:
        let nanoseconds = field.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard field.count == 8, nanoseconds > 0, nanoseconds <= UInt64(Int64.max) else {
          throw Self.corrupt(bytes)
        }
        timeToLiveNanoseconds = nanoseconds
      default:
        throw DatabaseError(
          .newerFormat, "a keyspace has an option of unknown kind \(tag): use a newer version")
      }
    }
  }

  private static func corrupt(_ bytes: [UInt8]) -> DatabaseError {
    DatabaseError(
      damage: CorruptionError(
        location: "catalog entry, options", expected: "fields of a tag, a count and a content",
        found: "\(bytes.count) bytes that are none"))
  }
}

extension KeyspaceOptions: CustomStringConvertible {
  /// The options in words.
  public var description: String {
    "written at .\(leastWriteIsolation.rawValue) or above"
      + (recordsPreviousValues ? ", with previous values in the log" : "")
      + (timeToLive.map { ", expiring after \($0)" } ?? "")
  }
}

extension IsolationLevel {
  /// How the level is stored.
  fileprivate var number: UInt8 {
    switch self {
    case .readUncommitted: 1
    case .readCommitted: 2
    case .repeatableRead: 3
    case .snapshot: 4
    case .serializable: 5
    case .strictSerializable: 6
    }
  }
}
