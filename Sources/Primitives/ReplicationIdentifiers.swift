/// A position in the replicated log of a group, from 1. Zero is before the first.
@frozen
package struct Slot: Hashable, Comparable, Sendable, BitwiseCopyable {
  package let rawValue: UInt64

  @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Before the first slot: what an empty log has chosen and applied.
  @inlinable package static var zero: Slot { Slot(0) }

  @inlinable package var next: Slot { Slot(rawValue + 1) }

  @inlinable package static func < (left: Slot, right: Slot) -> Bool {
    left.rawValue < right.rawValue
  }

  /// How many slots from the other one to this one; negative when this one is before it.
  @inlinable package func distance(from other: Slot) -> Int {
    Int(Int64(bitPattern: rawValue &- other.rawValue))
  }

  @inlinable package func advanced(by count: Int) -> Slot {
    Slot(rawValue &+ UInt64(bitPattern: Int64(count)))
  }
}

extension Slot: CustomStringConvertible {
  package var description: String { "slot \(rawValue)" }
}

/// The number of a Paxos group in a cluster: never reused.
@frozen
package struct GroupID: Hashable, Comparable, Sendable, BitwiseCopyable {
  package let rawValue: UInt32

  @inlinable package init(_ rawValue: UInt32) { self.rawValue = rawValue }

  @inlinable package static func < (left: GroupID, right: GroupID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// One member of one group. A replica that lost what it promised comes back under another number,
/// and a removed one never comes back: numbers are given once (rule M6).
@frozen
package struct ReplicaID: Hashable, Comparable, Sendable, BitwiseCopyable {
  package let rawValue: UInt32

  @inlinable package init(_ rawValue: UInt32) { self.rawValue = rawValue }

  @inlinable package static func < (left: ReplicaID, right: ReplicaID) -> Bool {
    left.rawValue < right.rawValue
  }
}

extension ReplicaID: CustomStringConvertible {
  package var description: String { "replica \(rawValue)" }
}

/// 128 random bits that tell a node from every other. A node that lost its data gets a new one.
@frozen
package struct NodeID: Hashable, Sendable, BitwiseCopyable {
  package let high: UInt64
  package let low: UInt64

  @inlinable package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

/// A number of the total order in which leaders follow each other: at most one replica ever leads
/// in a ballot, the one that it names.
@frozen
package struct Ballot: Hashable, Comparable, Sendable, BitwiseCopyable {
  package let round: UInt64
  package let replica: ReplicaID

  @inlinable package init(round: UInt64, replica: ReplicaID) {
    self.round = round
    self.replica = replica
  }

  /// Below every ballot that anybody leads in.
  @inlinable package static var zero: Ballot { Ballot(round: 0, replica: ReplicaID(0)) }

  @inlinable package static func < (left: Ballot, right: Ballot) -> Bool {
    (left.round, left.replica) < (right.round, right.replica)
  }
}

extension Ballot: CustomStringConvertible {
  package var description: String { "ballot \(round).\(replica.rawValue)" }
}

/// A moment of one node's boot clock, in nanoseconds: it goes on while the machine sleeps, never
/// back, and means nothing to another node (rule L4).
@frozen
package struct BootTime: Hashable, Comparable, Sendable, BitwiseCopyable {
  package let nanoseconds: UInt64

  @inlinable package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  @inlinable package static func < (left: BootTime, right: BootTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// Later by so many nanoseconds.
  @inlinable package func advanced(by nanoseconds: UInt64) -> BootTime {
    BootTime(nanoseconds: self.nanoseconds &+ nanoseconds)
  }

  /// Nanoseconds from the other moment to this one, zero when this one is before it.
  @inlinable package func elapsed(since other: BootTime) -> UInt64 {
    self < other ? 0 : nanoseconds &- other.nanoseconds
  }
}
