internal import Environment

/// News of a database, for whoever runs it. Never part of an answer.
public struct DatabaseEvent: Sendable, Hashable {
  /// How much it matters.
  public enum Severity: String, Sendable, Hashable, CaseIterable, Codable {
    /// What happens all the time: an attempt of a transaction was rolled back.
    case debug
    /// What happens now and then and is in order.
    case notice
    /// What should be looked at: a snapshot that pins much, locks that became one of the keyspace.
    case warning
    /// What failed.
    case failure
  }

  /// What an event is about. New kinds may be added: switch with a default.
  public struct Kind: RawRepresentable, Sendable, Hashable, Codable {
    /// The name of the kind, stable across versions.
    public let rawValue: String

    /// The kind of a name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Recovery goes on: `bytes`, `totalBytes`, `commits`, `remaining`.
    public static let recovery = Kind(rawValue: "recovery")
    /// Something on the disk was found damaged and was put right.
    public static let damage = Kind(rawValue: "damage")
    /// The log met something that should be known.
    public static let log = Kind(rawValue: "log")
    /// An attempt of a transaction was rolled back: `code`, `cause`, `attempt`, `transaction`,
    /// `label`.
    public static let abort = Kind(rawValue: "abort")
    /// A transaction took longer than `Configuration.slowTransactionThreshold`: the fields of
    /// ``SlowTransaction``.
    public static let slowTransaction = Kind(rawValue: "slowTransaction")
    /// A transaction is open and has done nothing for `Configuration.idleTransactionThreshold`:
    /// `transaction`, `label`, `idle`, `age`, and the `bytes` of old versions that it keeps.
    public static let idleTransaction = Kind(rawValue: "idleTransaction")
    /// A transaction's locks became one of the whole keyspace: `transaction`, `keyspace`, `locks`.
    public static let lockEscalation = Kind(rawValue: "lockEscalation")
    /// Half of `Configuration.versionBudget` is taken: `totalBytes` of `budget`, and of the
    /// snapshot that pins most `timestamp`, `transaction`, `label`, `age`, `bytes`.
    public static let pinnedVersions = Kind(rawValue: "pinnedVersions")
    /// A snapshot lost what it saw for the version budget: as for `pinnedVersions`.
    public static let snapshotExpired = Kind(rawValue: "snapshotExpired")
    /// A checkpoint failed, and the one before stays in force: `code`.
    public static let checkpointFailed = Kind(rawValue: "checkpointFailed")
    /// The log has grown to twice `Configuration.checkpointLogBytes` because checkpoints do not
    /// keep up: `logBytes`, `age`.
    public static let checkpointLag = Kind(rawValue: "checkpointLag")
    /// The disk may be full before the next checkpoint: `availableBytes`, `neededBytes`.
    public static let diskSpace = Kind(rawValue: "diskSpace")
    /// Work in the background failed.
    public static let background = Kind(rawValue: "background")
    /// A bulk build.
    public static let build = Kind(rawValue: "build")
    /// A backup began, ended, or holds back much of the data file.
    public static let backup = Kind(rawValue: "backup")
    /// A live query could not read several times in a row, and goes on trying: `code`, `attempts`.
    public static let liveQuery = Kind(rawValue: "liveQuery")
  }

  /// A fact of an event.
  public enum Value: Sendable, Hashable, CustomStringConvertible {
    /// A name or a reason.
    case text(String)
    /// A count, a number of bytes, an identity.
    case integer(Int64)
    /// A span of time.
    case duration(Duration)

    /// As a reader of a log expects it: a duration in seconds.
    public var description: String {
      switch self {
      case .text(let text): text
      case .integer(let number): String(number)
      case .duration(let duration): duration.description
      }
    }
  }

  /// How much it matters.
  public let severity: Severity
  /// What it is about.
  public let kind: Kind
  /// One line for people.
  public let message: String
  /// What the message says, by name, for log handlers and other programs; see ``Kind``.
  public let metadata: [String: Value]

  init(_ event: Event) {
    severity =
      switch event.severity {
      case .debug: .debug
      case .notice: .notice
      case .warning: .warning
      case .failure: .failure
      }
    kind = Kind(rawValue: event.kind.rawValue)
    message = event.message
    metadata = event.facts.mapValues { value in
      switch value {
      case .text(let text): .text(text)
      case .integer(let number): .integer(number)
      case .duration(let duration): .duration(duration)
      }
    }
  }
}
