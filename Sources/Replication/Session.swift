internal import Primitives
internal import RawBytes

/// What the state remembers of one client: the results of its newest commands.
///
/// - Invariant SE1: `results` ascend by sequence, and all lie above `lowWater`.
/// - Invariant SE2: a command at or below `lowWater` is never carried out any more.
struct Session: Equatable {
  /// Results up to here are gone: the client acknowledged them, or they were too many.
  private(set) var lowWater: UInt64 = 0
  /// The slot of its newest command: the session that was unused for longest is dropped first.
  var lastSlot: Slot
  private(set) var results: [Remembered] = []

  struct Remembered: Equatable {
    let sequence: UInt64
    let code: UInt8
  }

  /// More results than this are kept of no session: so many fit into a quarter of the smallest page.
  static let resultLimit = 64

  init(openedAt slot: Slot) { lastSlot = slot }

  enum Verdict {
    case isNew
    case known(CommandResult)
    case expired
  }

  func verdict(on sequence: UInt64) -> Verdict {
    if sequence <= lowWater { return .expired }
    guard let found = results.last(where: { $0.sequence <= sequence }),
      found.sequence == sequence
    else { return .isNew }
    return CommandResult(code: found.code).map { .known($0) } ?? .expired
  }

  /// Takes in the result of a new command, and drops what the client needs no more.
  mutating func remember(_ sequence: UInt64, _ result: CommandResult) {
    guard let code = result.code else { preconditionFailure("a result that is not kept") }
    let index = results.lastIndex { $0.sequence < sequence }.map { $0 + 1 } ?? 0
    results.insert(Remembered(sequence: sequence, code: code), at: index)
    if results.count > Self.resultLimit { forget(through: results[0].sequence) }
  }

  mutating func forget(through sequence: UInt64) {
    guard sequence > lowWater else { return }
    lowWater = sequence
    let kept = results.firstIndex { $0.sequence > sequence } ?? results.count
    results.removeFirst(kept)
  }

  // MARK: Its row. Normative: `format-spec/replicated-state.md`.

  static func key(_ id: SessionID) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: id.rawValue >> (56 - 8 * UInt64($0))) }
  }

  static func id(ofKey key: ByteView) throws(CorruptionError) -> SessionID {
    var reader = FieldReader(key, "key of a session row")
    let value = UInt64(bigEndian: try reader.integer(UInt64.self))
    try reader.finish()
    guard value > 0 else { throw reader.corrupt("a session from 1", "0") }
    return SessionID(value)
  }

  func encode(into buffer: inout ByteBuffer) {
    buffer.append(integer: lowWater)
    buffer.append(integer: lastSlot.rawValue)
    buffer.append(integer: UInt32(results.count))
    for result in results {
      buffer.append(integer: result.sequence)
      buffer.append(integer: result.code)
    }
  }

  init(decoding bytes: ByteView) throws(CorruptionError) {
    var reader = FieldReader(bytes, "session row")
    lowWater = try reader.integer(UInt64.self)
    lastSlot = try Slot.decode(&reader)
    var previous = lowWater
    for _ in 0..<(try reader.count(ofAtLeast: 9)) {
      let sequence = try reader.integer(UInt64.self)
      let code = try reader.integer(UInt8.self)
      guard sequence > previous else { throw reader.corrupt("above \(previous)", "\(sequence)") }
      guard CommandResult(code: code) != nil else {
        throw reader.corrupt("a result that this version knows", "\(code)")
      }
      results.append(Remembered(sequence: sequence, code: code))
      previous = sequence
    }
    try reader.finish()
  }
}

extension CommandResult {
  /// What a session remembers of a result; nil for those that no command of a session has.
  var code: UInt8? {
    switch self {
    case .done: 1
    case .swapped: 2
    case .mismatch: 3
    case .opened, .outcomeExpired, .sessionExpired: nil
    }
  }

  init?(code: UInt8) {
    switch code {
    case 1: self = .done
    case 2: self = .swapped
    case 3: self = .mismatch
    default: return nil
    }
  }
}
