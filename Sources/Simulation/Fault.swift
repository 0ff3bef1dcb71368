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
  }

  /// When it happens, counted from 1 in the calls that match since the fault was injected.
  package enum Occurrence: Sendable, Hashable {
    case once(at: Int)
    case from(Int)

    package static var always: Occurrence { .from(1) }

    func includes(_ count: Int) -> Bool {
      switch self {
      case .once(let number): count == number
      case .from(let number): count >= number
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

  /// What counters tell apart.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case failed, failedHalfway, lied, flippedBit, staleSector, misdirectedSector
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
    }
  }

  /// Whether the effect means anything for a call.
  func applies(to call: FileError.Call, isDurable: Bool) -> Bool {
    switch self {
    case .fails, .failsHalfway: true
    case .lies: isDurable
    case .flipsBit, .returnsStaleSector, .returnsMisdirectedSector: call == .read
    }
  }
}

/// The faults that are declared, and how often each was asked for.
struct FaultPlan {
  private var entries: [(fault: Fault, count: Int)] = []

  mutating func add(_ fault: Fault) { entries.append((fault, 0)) }

  mutating func removeAll() { entries = [] }

  /// The effect that befalls a call: of the first fault whose turn it is.
  mutating func effect(
    on call: FileError.Call, path: String, isDurable: Bool
  ) -> Fault.Effect? {
    var effect: Fault.Effect?
    for index in entries.indices {
      let fault = entries[index].fault
      guard fault.calls.contains(call), fault.effect.applies(to: call, isDurable: isDurable),
        fault.path.map({ path.contains($0) }) ?? true
      else { continue }
      entries[index].count += 1
      if effect == nil, fault.occurrence.includes(entries[index].count) { effect = fault.effect }
    }
    return effect
  }

  /// The effect could not show itself on this call: its `once` waits for the next.
  mutating func postpone(_ effect: Fault.Effect) {
    for index in entries.indices where entries[index].fault.effect == effect {
      if case .once(let number) = entries[index].fault.occurrence, entries[index].count == number {
        entries[index].count -= 1
      }
    }
  }
}
