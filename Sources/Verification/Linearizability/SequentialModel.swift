/// What objects of one kind do when their operations come one after the other: the standard
/// against which `LinearizabilityChecker` holds a concurrent history.
///
/// An object is named by its key, and operations on one key never touch another, so that each
/// key can be checked by itself: linearizability is a local property (Herlihy and Wing 1990,
/// theorem 1).
public protocol SequentialModel: Sendable {
  /// Names an object.
  associatedtype Key: Hashable & Comparable & Sendable
  /// All that an object remembers.
  associatedtype State: Hashable & Sendable
  /// What is asked of an object.
  associatedtype Call: Sendable
  /// What it answers.
  associatedtype Answer: Sendable

  /// Of an object before its first operation.
  func initialState(of key: Key) -> State

  /// The state after a call, or nil when the call cannot be answered in this way in this state.
  ///
  /// - Parameter answer: nil when nobody knows it: any answer will do, and the call has what effect
  ///   it has in this state.
  func step(_ state: State, _ call: Call, answer: Answer?) -> State?

  /// What the operation asks of the state and does to it, if it can be told in this simple form; nil
  /// if it cannot. When it can for all operations of a key, the key is checked much faster. The
  /// default is nil.
  func footprint(of call: Call, answer: Answer?) -> Footprint<State>?

  /// Both in a few words, for a person who reads a violation.
  func describe(_ call: Call, answer: Answer?) -> String
}

extension SequentialModel {
  /// Nothing is known.
  public func footprint(of call: Call, answer: Answer?) -> Footprint<State>? { nil }

  /// As Swift prints them.
  public func describe(_ call: Call, answer: Answer?) -> String {
    "\(call) -> \(answer.map { "\($0)" } ?? "unknown")"
  }
}

/// An operation with its answer, as a condition on the state and one value that replaces it: all
/// that operations of a register ever are.
///
/// It must say the same as `SequentialModel.step`: possible exactly in the states that meet the
/// requirement, and the state afterwards is the effect, or unchanged. For an operation without an
/// answer it is that in which the operation does something: where the requirement is not met,
/// it does nothing.
public struct Footprint<State: Hashable & Sendable>: Hashable, Sendable {
  /// In which states an operation can be answered as it was.
  public enum Requirement: Hashable, Sendable {
    /// In all.
    case any
    /// In this one.
    case only(State)
    /// In all but this one.
    case not(State)
  }

  /// In which states it is possible.
  public var requirement: Requirement
  /// The state afterwards; nil leaves it as it is.
  public var effect: State?

  /// An operation that is possible where the requirement is met.
  public init(_ requirement: Requirement, effect: State? = nil) {
    self.requirement = requirement
    self.effect = effect
  }
}

// A state of a register is an optional itself: `effect: .some(nil)` makes it absent.
