/// An operation on one object as its client saw it: when it was asked, when it was answered and
/// what the answer was.
///
/// Times are of one clock that all clients share, in any unit: the virtual time of a simulation,
/// or better a counter that each invocation and each return increments, which orders more. An
/// operation comes before another for certain when it returned at a lower time than that at which
/// the other was invoked; at equal times they are concurrent.
///
/// An operation that is known to have had no effect, because it was refused, belongs in no history.
/// One that may have had an effect and may not, or may have it only later, because its client gave
/// up or the connection broke, is *unknown*: it has no answer and never returns.
public struct TimedOperation<Model: SequentialModel>: Sendable {
  /// Who asked; told in violations and used for nothing else.
  public var client: Int
  /// The object.
  public var key: Model.Key
  /// What was asked.
  public var call: Model.Call
  /// What was answered; nil when nobody knows.
  public var answer: Model.Answer?
  /// When it was asked.
  public var invoked: UInt64
  /// When it was answered; `UInt64.max` when nobody knows.
  public var returned: UInt64

  /// An operation that was answered.
  ///
  /// - Precondition: it was not answered before it was asked.
  public init(
    client: Int, key: Model.Key, call: Model.Call, answer: Model.Answer, invoked: UInt64,
    returned: UInt64
  ) {
    precondition(invoked <= returned, "an operation returned before it was invoked")
    self.client = client
    self.key = key
    self.call = call
    self.answer = answer
    self.invoked = invoked
    self.returned = returned
  }

  /// An operation that takes effect at some time after it was asked, or never.
  public init(unknown call: Model.Call, client: Int, key: Model.Key, invoked: UInt64) {
    self.client = client
    self.key = key
    self.call = call
    answer = nil
    self.invoked = invoked
    returned = .max
  }

  /// Whether it need not have had an effect.
  public var isUnknown: Bool { answer == nil }

  /// The same, by somebody who does not wait for the answer.
  var withoutAnswer: TimedOperation {
    TimedOperation(unknown: call, client: client, key: key, invoked: invoked)
  }
}
