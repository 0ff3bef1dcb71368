#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// How long an entry lives: its time to live.
///
/// An expired entry is absent: to reads, scans, counts and conditional writes alike. A transaction
/// judges that against the moment of its own begin, so that what it sees does not expire while it
/// runs. The entry itself is removed later, by a background sweeper, in ordinary commits: only at
/// `.readUncommitted` and `.readCommitted`, which show what others commit, it can vanish with one. That an
/// entry expires conflicts with nobody. See "Entries that expire" in <doc:TransactionsAndIsolation>.
///
/// Time is the wall clock, and never goes back while a database is open: when the system's clock is
/// set back, expiry goes on at its own pace from where it was. A database that is opened again
/// believes the system's clock.
public enum Expiry: Sendable, Hashable {
  /// The entry does not expire.
  case never
  /// So long after the begin of the transaction that writes it.
  case after(Duration)
  /// At a moment. One that is past makes an entry that is absent at once.
  case at(WallTime)

  /// At a date.
  public static func at(_ date: Date) -> Expiry { .at(WallTime(date)) }

  /// When the entry expires; nil when it does not, or when that depends on who asks.
  public var moment: WallTime? {
    if case .at(let moment) = self { return moment }
    return nil
  }
}

/// A moment of the wall clock, in whole nanoseconds since 1970.
public struct WallTime: Sendable, Hashable, Comparable {
  /// Nanoseconds since 1970-01-01 00:00 UTC.
  public let nanosecondsSince1970: UInt64

  /// A moment by its number.
  public init(nanosecondsSince1970: UInt64) { self.nanosecondsSince1970 = nanosecondsSince1970 }

  /// The moment of a date. Dates before 1970 become its begin, dates beyond 2554 the end of time.
  public init(_ date: Date) {
    let seconds = date.timeIntervalSince1970
    if !(seconds > 0) {
      nanosecondsSince1970 = 0
    } else if seconds >= 18_446_744_073 {
      nanosecondsSince1970 = .max
    } else {
      let whole = seconds.rounded(.down)
      nanosecondsSince1970 =
        UInt64(whole) * 1_000_000_000 + UInt64((seconds - whole) * 1_000_000_000)
    }
  }

  /// The date of the moment, as exact as a `Date` is: about 100 nanoseconds in this century.
  public var date: Date {
    Date(timeIntervalSince1970: Double(nanosecondsSince1970) / 1_000_000_000)
  }

  /// Earlier is less.
  public static func < (left: WallTime, right: WallTime) -> Bool {
    left.nanosecondsSince1970 < right.nanosecondsSince1970
  }
}

extension Expiry {
  /// What is stored; zero for `never`.
  static func stored(_ moment: UInt64) -> Expiry {
    moment == 0 ? Expiry.never : .at(WallTime(nanosecondsSince1970: moment))
  }

  /// The number that is stored: zero for `never`. Saturates at the end of time.
  func stored(from begin: () -> UInt64) -> UInt64 {
    switch self {
    case Expiry.never: return 0
    case .at(let moment): return max(moment.nanosecondsSince1970, 1)
    case .after(let duration):
      let (sum, overflow) = begin().addingReportingOverflow(duration.nanoseconds)
      return overflow ? .max : max(sum, 1)
    }
  }
}
