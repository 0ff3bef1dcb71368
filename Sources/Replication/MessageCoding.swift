internal import Consensus
internal import Primitives
internal import RawBytes

// The bytes of messages between replicas. Normative: `format-spec/frame.md`.
extension Message {
  private enum Kind: UInt8 {
    case suspect = 1
    case suspectReply = 2
    case prepare = 3
    case promise = 4
    case reject = 5
    case accept = 6
    case accepted = 7
    case chosen = 8
    case acknowledge = 9
    case fetch = 10
    case fetched = 11
    case readIndex = 12
    case readIndexReply = 13
    case takeOver = 14
    case removed = 15
  }

  func encode(into buffer: inout ByteBuffer) {
    switch self {
    case .suspect(let attempt, let chosenSlot, let logStart):
      begin(.suspect, &buffer)
      buffer.append(integer: attempt)
      buffer.append(integer: chosenSlot.rawValue)
      buffer.append(integer: logStart.rawValue)
    case .suspectReply(let attempt, let agrees, let promised):
      begin(.suspectReply, &buffer)
      buffer.append(integer: attempt)
      buffer.append(bool: agrees)
      promised.encode(into: &buffer)
    case .prepare(let ballot, let from):
      begin(.prepare, &buffer)
      ballot.encode(into: &buffer)
      buffer.append(integer: from.rawValue)
    case .promise(let promise):
      begin(.promise, &buffer)
      promise.encode(into: &buffer)
    case .reject(let asked, let promised):
      begin(.reject, &buffer)
      asked.encode(into: &buffer)
      promised.encode(into: &buffer)
    case .accept(let ballot, let entries, let chosenSlot):
      begin(.accept, &buffer)
      ballot.encode(into: &buffer)
      buffer.append(integer: chosenSlot.rawValue)
      Entry.encode(entries, into: &buffer)
    case .accepted(let ballot, let through, let beyond):
      begin(.accepted, &buffer)
      ballot.encode(into: &buffer)
      buffer.append(integer: through.rawValue)
      buffer.append(integer: UInt32(beyond.count))
      for slot in beyond { buffer.append(integer: slot.rawValue) }
    case .chosen(let notice):
      begin(.chosen, &buffer)
      notice.ballot.encode(into: &buffer)
      buffer.append(integer: notice.through.rawValue)
      buffer.append(integer: notice.readRound)
      buffer.append(integer: notice.keepFrom.rawValue)
      buffer.append(integer: notice.sentAt.nanoseconds)
    case .acknowledge(let answer):
      begin(.acknowledge, &buffer)
      answer.ballot.encode(into: &buffer)
      buffer.append(integer: answer.readRound)
      buffer.append(integer: answer.chosenSlot.rawValue)
      buffer.append(integer: answer.durablyChosen.rawValue)
      buffer.append(integer: answer.echo.nanoseconds)
      buffer.append(integer: answer.clock.nanoseconds)
    case .fetch(let slots):
      begin(.fetch, &buffer)
      buffer.append(integer: slots.lowerBound.rawValue)
      buffer.append(integer: slots.upperBound.rawValue)
    case .fetched(let entries, let chosenSlot, let logStart):
      begin(.fetched, &buffer)
      buffer.append(integer: chosenSlot.rawValue)
      buffer.append(integer: logStart.rawValue)
      Entry.encode(entries, into: &buffer)
    case .readIndex(let request):
      begin(.readIndex, &buffer)
      buffer.append(integer: request.rawValue)
    case .readIndexReply(let request, let result):
      begin(.readIndexReply, &buffer)
      buffer.append(integer: request.rawValue)
      switch result {
      case .success(let slot):
        buffer.append(bool: true)
        buffer.append(integer: slot.rawValue)
      case .failure(let refusal):
        buffer.append(bool: false)
        refusal.encode(into: &buffer)
      }
    case .takeOver(let ballot):
      begin(.takeOver, &buffer)
      ballot.encode(into: &buffer)
    case .removed(let slot):
      begin(.removed, &buffer)
      buffer.append(integer: slot.rawValue)
    }
  }

  private func begin(_ kind: Kind, _ buffer: inout ByteBuffer) {
    buffer.append(integer: kind.rawValue)
  }

  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> Message {
    let code = try reader.integer(UInt8.self)
    guard let kind = Kind(rawValue: code) else {
      throw reader.corrupt("a kind of message that this version knows", "\(code)")
    }
    switch kind {
    case .suspect:
      return .suspect(
        attempt: try reader.integer(UInt64.self), chosenSlot: try .decode(&reader),
        logStart: try .decode(&reader))
    case .suspectReply:
      return .suspectReply(
        attempt: try reader.integer(UInt64.self), agrees: try reader.bool(),
        promised: try .decode(&reader))
    case .prepare: return .prepare(try .decode(&reader), from: try .decode(&reader))
    case .promise: return .promise(try .decode(&reader))
    case .reject: return .reject(asked: try .decode(&reader), promised: try .decode(&reader))
    case .accept:
      let ballot = try Ballot.decode(&reader)
      let chosenSlot = try Slot.decode(&reader)
      return .accept(ballot, entries: try Entry.decodeAll(&reader), chosenSlot: chosenSlot)
    case .accepted:
      return .accepted(
        try .decode(&reader), through: try .decode(&reader), beyond: try slots(&reader))
    case .chosen:
      return .chosen(
        ChosenNotice(
          ballot: try .decode(&reader), through: try .decode(&reader),
          readRound: try reader.integer(UInt64.self), keepFrom: try .decode(&reader),
          sentAt: try .decode(&reader)))
    case .acknowledge:
      return .acknowledge(
        Acknowledgement(
          ballot: try .decode(&reader), readRound: try reader.integer(UInt64.self),
          chosenSlot: try .decode(&reader), durablyChosen: try .decode(&reader),
          echo: try .decode(&reader), clock: try .decode(&reader)))
    case .fetch: return .fetch(try range(&reader))
    case .fetched:
      let chosenSlot = try Slot.decode(&reader)
      let logStart = try Slot.decode(&reader)
      return .fetched(
        try Entry.decodeAll(&reader), chosenSlot: chosenSlot, logStart: logStart)
    case .readIndex: return .readIndex(RequestID(try reader.integer(UInt64.self)))
    case .readIndexReply:
      let request = RequestID(try reader.integer(UInt64.self))
      if try reader.bool() { return .readIndexReply(request, .success(try .decode(&reader))) }
      return .readIndexReply(request, .failure(try Refusal.decode(&reader)))
    case .takeOver: return .takeOver(try .decode(&reader))
    case .removed: return .removed(at: try .decode(&reader))
    }
  }

  private static func slots(_ reader: inout FieldReader) throws(CorruptionError) -> [Slot] {
    let count = try reader.count(ofAtLeast: 8)
    var slots: [Slot] = []
    slots.reserveCapacity(count)
    for _ in 0..<count { slots.append(try .decode(&reader)) }
    return slots
  }

  fileprivate static func range(_ reader: inout FieldReader) throws(CorruptionError) -> Range<Slot>
  {
    let lower = try Slot.decode(&reader)
    let upper = try Slot.decode(&reader)
    guard lower <= upper else { throw reader.corrupt("a slot from \(lower)", "\(upper)") }
    return lower..<upper
  }
}

extension Promise {
  fileprivate func encode(into buffer: inout ByteBuffer) {
    ballot.encode(into: &buffer)
    buffer.append(integer: chosenSlot.rawValue)
    buffer.append(integer: logStart.rawValue)
    buffer.append(bool: unknown != nil)
    if let unknown {
      buffer.append(integer: unknown.lowerBound.rawValue)
      buffer.append(integer: unknown.upperBound.rawValue)
    }
    Entry.encode(accepted, into: &buffer)
  }

  fileprivate static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> Promise {
    let ballot = try Ballot.decode(&reader)
    let chosenSlot = try Slot.decode(&reader)
    let logStart = try Slot.decode(&reader)
    let unknown = try reader.bool() ? try Message.range(&reader) : nil
    return Promise(
      ballot: ballot, chosenSlot: chosenSlot, logStart: logStart,
      accepted: try Entry.decodeAll(&reader), unknown: unknown)
  }
}

extension Refusal {
  fileprivate func encode(into buffer: inout ByteBuffer) {
    switch self {
    case .notLeader(let hint):
      buffer.append(integer: UInt8(1))
      buffer.append(bool: hint != nil)
      if let hint { buffer.append(integer: hint.rawValue) }
    case .overloaded: buffer.append(integer: UInt8(2))
    case .unknownOutcome: buffer.append(integer: UInt8(3))
    case .busy: buffer.append(integer: UInt8(4))
    case .unsafeConfiguration: buffer.append(integer: UInt8(5))
    case .unavailable: buffer.append(integer: UInt8(6))
    }
  }

  fileprivate static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> Refusal {
    let code = try reader.integer(UInt8.self)
    switch code {
    case 1:
      guard try reader.bool() else { return .notLeader(hint: nil) }
      return .notLeader(hint: ReplicaID(try reader.integer(UInt32.self)))
    case 2: return .overloaded
    case 3: return .unknownOutcome
    case 4: return .busy
    case 5: return .unsafeConfiguration
    case 6: return .unavailable
    default: throw reader.corrupt("a refusal from 1 to 6", "\(code)")
    }
  }
}
