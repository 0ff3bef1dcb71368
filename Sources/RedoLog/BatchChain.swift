internal import Primitives

/// The order of batches: which one may follow which.
///
/// - Invariant C1: numbers rise by one.
/// - Invariant C2: each batch carries the checksum of the one before.
/// - Invariant C3: positions go on where the batch before ends; only an opening batch may skip
///   ahead. So no position is used twice, not even one that a crash lost (rule R6).
/// - Invariant C4: behind a closing batch stands an opening one.
package struct BatchChain: Sendable, Equatable {
  /// Why a sound batch does not follow.
  package enum Fault: String, Sendable, Hashable {
    case number = "a batch out of number"
    case previousChecksum = "a batch that follows another one"
    case position = "a batch of another position"
    case afterClosing = "a batch behind the closing one"
    case generation = "a batch of an older checkpoint"
  }

  /// The newest batch; nil before the first.
  package private(set) var last: BatchHeader?

  package init(last: BatchHeader? = nil) { self.last = last }

  /// Why a batch may not follow; nil when it may. The first may be any.
  package func fault(of next: BatchHeader) -> Fault? {
    guard let last else { return nil }
    if next.number != last.number &+ 1 { return .number }
    if next.previousChecksum != last.checksum { return .previousChecksum }
    let isOpening = next.flags.contains(.opening)
    if next.position != last.endPosition {
      guard isOpening, next.position > last.endPosition else { return .position }
    }
    if last.flags.contains(.closing), !isOpening { return .afterClosing }
    if next.generation < last.generation { return .generation }
    return nil
  }

  /// The batch follows.
  package mutating func advance(over next: BatchHeader) {
    precondition(fault(of: next) == nil, "a batch that does not follow")
    last = next
  }

  /// Whether a sound batch of the same segment, found where the chain has ended, proves that the
  /// chain went on here once (rule W2).
  package func provesLoss(_ found: BatchHeader) -> Bool {
    guard let last else { return true }
    return found.number > last.number && found.position >= last.endPosition
  }
}
