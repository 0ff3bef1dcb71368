package import Primitives

/// Which ordered commits are applied, and how far they are applied without a gap.
///
/// Commits are ordered in the section, applied concurrently, and published in order: a reader that
/// sees one sees all before it.
///
/// - Invariant Q1: `published` is the timestamp of the newest commit such that it and every commit
///   ordered before it are applied.
/// - Invariant Q2: a sequence number is given once; `inFlight` counts those ordered and not yet
///   applied.
package struct PublicationQueue {
  /// A place in the order.
  package struct Ticket: BitwiseCopyable { fileprivate let sequence: UInt64 }

  /// An ordered commit that is not published.
  private struct Pending: BitwiseCopyable {
    let timestamp: Timestamp
    let end: LogPosition
    var isApplied: Bool
  }

  // A ring: sequence number modulo capacity, a power of two.
  private var ring: [Pending]
  private var head: UInt64 = 0
  private var tail: UInt64 = 0

  /// The newest published commit.
  package private(set) var published: Timestamp
  /// Where its record ends in the log.
  package private(set) var publishedPosition: LogPosition

  /// The newest commit that was ordered.
  package private(set) var ordered: Timestamp

  package init(published: Timestamp, position: LogPosition) {
    self.published = published
    ordered = published
    publishedPosition = position
    ring = Array(
      repeating: Pending(timestamp: .zero, end: .zero, isApplied: false), count: 64)
  }

  /// Commits ordered and not yet published.
  package var inFlight: Int { Int(tail - head) }

  /// Puts a commit behind all others.
  package mutating func order(_ timestamp: Timestamp, end: LogPosition) -> Ticket {
    if inFlight == ring.count { grow() }
    ring[index(tail)] = Pending(timestamp: timestamp, end: end, isApplied: false)
    ordered = timestamp
    defer { tail += 1 }
    return Ticket(sequence: tail)
  }

  /// Notes that a commit is applied. True when the published prefix grew.
  package mutating func applied(_ ticket: Ticket) -> Bool {
    precondition(ticket.sequence >= head && ticket.sequence < tail, "Q2: not an ordered commit")
    precondition(!ring[index(ticket.sequence)].isApplied, "Q2: applied twice")
    ring[index(ticket.sequence)].isApplied = true
    let before = head
    while head < tail, ring[index(head)].isApplied {
      published = ring[index(head)].timestamp
      publishedPosition = ring[index(head)].end
      head += 1
    }
    return head != before
  }

  private func index(_ sequence: UInt64) -> Int {
    Int(truncatingIfNeeded: sequence) & (ring.count - 1)
  }

  private mutating func grow() {
    var bigger = Array(repeating: ring[0], count: ring.count * 2)
    for sequence in head..<tail {
      bigger[Int(truncatingIfNeeded: sequence) & (bigger.count - 1)] = ring[index(sequence)]
    }
    ring = bigger
  }
}
