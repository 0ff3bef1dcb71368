internal import Consensus
internal import Primitives
internal import RawBytes

// The bytes of entries and configurations, in the node's log and in messages alike. Normative:
// `format-spec/replicated-entry.md`.

extension Entry {
  /// Bytes of an entry without its body.
  static let headerByteCount = 36

  private enum Kind: UInt8 {
    case noOperation = 1
    case newLeader = 2
    case configuration = 3
    case command = 4
    case tick = 5
    case leaseRelease = 6
  }

  private var kind: Kind {
    switch content {
    case .noOperation: .noOperation
    case .newLeader: .newLeader
    case .configuration: .configuration
    case .command: .command
    case .tick: .tick
    case .leaseRelease: .leaseRelease
    }
  }

  func encode(into buffer: inout ByteBuffer) {
    buffer.append(integer: slot.rawValue)
    buffer.append(integer: ballot.round)
    buffer.append(integer: ballot.replica.rawValue)
    buffer.append(integer: UInt32(kind.rawValue))
    buffer.append(integer: leaderTime.nanoseconds)
    let countOffset = buffer.count
    buffer.append(integer: UInt32(0))
    switch content {
    case .noOperation, .tick, .leaseRelease: break
    case .newLeader(let usesLease): buffer.append(bool: usesLease)
    case .configuration(let configuration): configuration.encode(into: &buffer)
    case .command(let bytes): bytes.withByteView { buffer.append($0) }
    }
    buffer.patch(UInt32(buffer.count - countOffset - 4), at: countOffset)
  }

  /// Reads an entry. A kind that this version does not know is an error and not skipped: replicas
  /// would differ (rule G2).
  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> Entry {
    let slot = Slot(try reader.integer(UInt64.self))
    let round = try reader.integer(UInt64.self)
    let ballot = Ballot(round: round, replica: ReplicaID(try reader.integer(UInt32.self)))
    let code = try reader.integer(UInt32.self)
    let leaderTime = BootTime(nanoseconds: try reader.integer(UInt64.self))
    guard slot > .zero, slot.rawValue < Slot.limit, round < Ballot.roundLimit else {
      throw reader.corrupt("a slot from 1 and a ballot that can be", "\(slot), \(ballot)")
    }
    guard code <= UInt32(UInt8.max), let kind = Kind(rawValue: UInt8(code)) else {
      throw reader.corrupt("a kind of entry that this version knows", "\(code)")
    }
    let body = try reader.counted()
    return Entry(
      slot: slot, ballot: ballot, content: try content(kind, body), leaderTime: leaderTime)
  }

  private static func content(
    _ kind: Kind, _ body: ByteView
  ) throws(CorruptionError) -> Content {
    var reader = FieldReader(body, "body of a replicated entry")
    let content: Content
    switch kind {
    case .noOperation: content = .noOperation
    case .newLeader: content = .newLeader(usesLease: try reader.bool())
    case .configuration: content = .configuration(try Configuration.decode(&reader))
    case .command: return .command(body.array)
    case .tick: content = .tick
    case .leaseRelease: content = .leaseRelease
    }
    try reader.finish()
    return content
  }

  /// Entries behind their count.
  static func encode(_ entries: [Entry], into buffer: inout ByteBuffer) {
    buffer.append(integer: UInt32(entries.count))
    for entry in entries { entry.encode(into: &buffer) }
  }

  static func decodeAll(_ reader: inout FieldReader) throws(CorruptionError) -> [Entry] {
    let count = try reader.count(ofAtLeast: headerByteCount)
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    for _ in 0..<count { entries.append(try decode(&reader)) }
    return entries
  }
}

extension Configuration {
  func encode(into buffer: inout ByteBuffer) {
    for members in [voters, learners, removed] {
      buffer.append(integer: UInt32(members.count))
      for member in members { buffer.append(integer: member.rawValue) }
    }
  }

  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> Configuration {
    let voters = try members(&reader)
    let learners = try members(&reader)
    let removed = try members(&reader)
    let all = (voters + learners + removed).sorted()
    if let double = zip(all, all.dropFirst()).first(where: { $0 == $1 })?.0 {
      throw reader.corrupt("each replica once", "\(double) twice")
    }
    return Configuration(voters: voters, learners: learners, removed: removed)
  }

  private static func members(
    _ reader: inout FieldReader
  ) throws(CorruptionError) -> [ReplicaID] {
    let count = try reader.count(ofAtLeast: 4)
    var members: [ReplicaID] = []
    for _ in 0..<count {
      let member = ReplicaID(try reader.integer(UInt32.self))
      if let last = members.last, member <= last {
        throw reader.corrupt("a replica above \(last)", "\(member)")
      }
      members.append(member)
    }
    return members
  }
}

extension Slot {
  /// Above every slot that a group can reach. Bytes that lie may claim more, and whoever counts on
  /// from there would run over the end of 64 bits.
  static let limit: UInt64 = 1 << 62
}

extension Ballot {
  static let roundLimit: UInt64 = 1 << 62

  func encode(into buffer: inout ByteBuffer) {
    buffer.append(integer: round)
    buffer.append(integer: replica.rawValue)
  }

  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> Ballot {
    let round = try reader.integer(UInt64.self)
    guard round < roundLimit else { throw reader.corrupt("a round below 2^62", "\(round)") }
    return Ballot(round: round, replica: ReplicaID(try reader.integer(UInt32.self)))
  }
}

extension Slot {
  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> Slot {
    let value = try reader.integer(UInt64.self)
    guard value <= limit else { throw reader.corrupt("a slot up to 2^62", "\(value)") }
    return Slot(value)
  }
}

extension BootTime {
  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> BootTime {
    BootTime(nanoseconds: try reader.integer(UInt64.self))
  }
}
