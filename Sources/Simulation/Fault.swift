package import Environment

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Something that goes wrong with a disk, declared before it happens.
///
/// ```swift
/// disk.inject(Fault(.fails(Fault.inputOutput), on: [.sync], .once(at: 3)))
/// disk.inject(Fault(.returnsStaleSector, .always, path: "data"))
/// ```
package struct Fault: Sendable, Hashable {
  /// What happens.
  package enum Effect: Sendable, Hashable {
    /// The call throws this number and does nothing. A failed sync, of a file, of a directory or
    /// within a data-synchronous write, besides marks what it should have made durable as clean:
    /// the next one succeeds and does not make it durable either (rule F1).
    case fails(Int32)
    /// A write writes a part, then throws this number. For other calls like `fails`.
    case failsHalfway(Int32)
    /// A sync, of a file or directory or within a data-synchronous write, reports success and
    /// makes nothing durable. A negative control: no engine can stand it.
    case lies
    /// A read returns one bit flipped.
    case flipsBit
    /// A read returns one sector with a content that it had before a later write.
    case returnsStaleSector
    /// A read returns the content of another sector in the place of one.
    case returnsMisdirectedSector
    /// A write reports success and is lost: cache and medium keep what they had, only the file
    /// grows as far as the write would have made it.
    case dropsWrite
    /// A write reports success, and one block of it, or all of it where it has no more, lands at
    /// the place of another block of the file; its own place keeps what it had.
    case misdirectsWrite
    /// The call takes so much longer, while others run, and then does what it would have done.
    /// Besides this, another fault may befall it.
    case delays(nanoseconds: UInt64)
  }

  /// When it happens, counted from 1 in the calls that match since the fault was injected.
  package enum Occurrence: Sendable, Hashable {
    case once(at: Int)
    case from(Int)
    /// Each time with a chance of one in so many, from a stream that each fault has for itself.
    case sometimes(oneIn: Int)

    package static var always: Occurrence { .from(1) }

    func includes(_ count: Int, _ chance: inout SeededGenerator) -> Bool {
      switch self {
      case .once(let number): count == number
      case .from(let number): count >= number
      case .sometimes(let interval): chance.oneIn(interval)
      }
    }
  }

  package var effect: Effect
  /// The calls that it can befall.
  package var calls: Set<FileError.Call>
  package var occurrence: Occurrence
  /// Only files whose path contains this; nil: all.
  package var path: String?

  /// A fault. Only those of the calls count to which the effect can apply.
  package init(
    _ effect: Effect, on calls: Set<FileError.Call> = Set(FileError.Call.allCases),
    _ occurrence: Occurrence, path: String? = nil
  ) {
    self.effect = effect
    self.calls = calls
    self.occurrence = occurrence
    self.path = path
  }

  package static let inputOutput: Int32 = EIO
  package static let noSpace: Int32 = ENOSPC

  /// What a platform may answer to a call that was made rightly, by the manual pages of Linux and
  /// Darwin: the numbers that `fails` can sensibly throw.
  package static func numbers(of call: FileError.Call) -> [Int32] {
    switch call {
    case .open: [EIO, ENOSPC, EDQUOT, EACCES, EPERM, EROFS, EMFILE, ENFILE, EINTR, ENOMEM, ENODEV]
    case .createDirectory: [EIO, ENOSPC, EDQUOT, EACCES, EPERM, EROFS, ENOMEM, EMLINK]
    case .list: [EIO, EACCES, EMFILE, ENFILE, ENOMEM, EINTR]
    case .kind: [EIO, EACCES, ENOMEM]
    case .rename: [EIO, ENOSPC, EDQUOT, EACCES, EPERM, EROFS, ENOMEM, EBUSY]
    case .remove: [EIO, EACCES, EPERM, EROFS, ENOMEM, EBUSY]
    case .syncDirectory: [EIO, ENOSPC, EDQUOT, EROFS, EMFILE, EINTR]
    case .lock: [EIO, EACCES, EROFS, ENOSPC, EMFILE, ENOLCK, EINTR, ENOMEM]
    case .read: [EIO, EINTR, EAGAIN, ESTALE, ENODEV, ENOMEM]
    case .write:
      [EIO, ENOSPC, EDQUOT, EFBIG, EROFS, EINTR, EAGAIN, EPERM, ESTALE, ENODEV, ENOMEM]
    case .sync: [EIO, ENOSPC, EDQUOT, EROFS, EINTR, ESTALE, ENODEV]
    case .size: [EIO, ESTALE, ENOMEM]
    case .truncate: [EIO, EFBIG, EROFS, EINTR, EPERM, ENOSPC, EDQUOT]
    case .allocate: [EIO, ENOSPC, EDQUOT, EFBIG, EINTR, ENODEV, EPERM]
    case .punchHole: [EIO, ENOSPC, EINTR, ENODEV, EPERM]
    }
  }

  /// What counters tell apart.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case failed, failedHalfway, lied, flippedBit, staleSector, misdirectedSector
    case droppedWrite, misdirectedWrite, delayed
    /// Not injected: the disk's capacity was reached.
    case full
    /// Not injected: the power was cut.
    case powerCut
  }
}

extension Fault.Effect {
  var kind: Fault.Kind {
    switch self {
    case .fails: .failed
    case .failsHalfway: .failedHalfway
    case .lies: .lied
    case .flipsBit: .flippedBit
    case .returnsStaleSector: .staleSector
    case .returnsMisdirectedSector: .misdirectedSector
    case .dropsWrite: .droppedWrite
    case .misdirectsWrite: .misdirectedWrite
    case .delays: .delayed
    }
  }

  /// Whether a write reports success and is not where it should be.
  var isSilentOnWrites: Bool { self == .dropsWrite || self == .misdirectsWrite }

  /// Whether the effect means anything for a call.
  func applies(to call: FileError.Call, isDurable: Bool) -> Bool {
    switch self {
    case .fails, .failsHalfway, .delays: true
    case .lies: isDurable
    case .flipsBit, .returnsStaleSector, .returnsMisdirectedSector: call == .read
    case .dropsWrite, .misdirectsWrite: call == .write
    }
  }
}
