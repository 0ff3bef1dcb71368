internal import RawBytes

/// What a run did, call by call, boiled down to one number.
///
/// Two runs took the same course exactly when their hashes agree: every call into a seam enters
/// with its thread and arguments, bytes written included. A test that compares hashes of two runs
/// of one seed finds whatever in the engine depends on something else than the seed.
package struct Trace: Sendable {
  /// The calls that are told apart.
  package enum Call: UInt8, Sendable {
    case start, join, finish, makeTicket, park, wake, yield, clock, entropy, event, close
    case open, createDirectory, list, kind, rename, remove, syncDirectory, lock
    case read, write, sync, size, truncate, allocate, punchHole
    case send, deliver
  }

  /// One call, kept where the configuration asks for it: to find where two runs part.
  package struct Entry: Hashable, Sendable {
    package let thread: Int
    package let call: Call
    package let first: UInt64
    package let second: UInt64
    package let third: UInt64
  }

  package private(set) var hash: UInt64 = 0
  package private(set) var callCount = 0
  package private(set) var entries: [Entry] = []
  private let isKept: Bool

  /// What stands for a path, as the third number of a call on a file.
  package static func name(of path: String) -> UInt64 {
    var path = path
    return path.withUTF8 { bytes in
      unsafe Hash64.hash(ByteView(UnsafeRawBufferPointer(bytes)), seed: 0)
    }
  }

  init(isKept: Bool) { self.isKept = isKept }

  mutating func record(
    thread: Int, _ call: Call, _ first: UInt64, _ second: UInt64, _ third: UInt64
  ) {
    callCount += 1
    let head = UInt64(truncatingIfNeeded: thread) << 8 | UInt64(call.rawValue)
    hash =
      Hash64.fold(hash ^ head ^ 0x8bb8_4b93_962e_acc9, first ^ 0x2d35_8dcc_aa6c_78a5)
      ^ Hash64.fold(second ^ 0x9e37_79b9_7f4a_7c15, third ^ hash ^ 0xc2b2_ae3d_27d4_eb4f)
    if isKept {
      entries.append(
        Entry(thread: thread, call: call, first: first, second: second, third: third))
    }
  }
}
