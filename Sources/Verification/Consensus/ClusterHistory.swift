/// What clients asked and were answered, to be checked in the end.
///
/// Times are the places of invocations and returns in one order, which the baton makes exact: that
/// orders more than the virtual clock would.
package struct ClusterHistory: Sendable {
  package typealias Model = RegisterModel<Int, UInt64>
  package typealias Operation = TimedOperation<Model>

  package private(set) var operations: [Operation] = []
  /// Operations that were answered.
  package private(set) var answerCount = 0
  private var moment: UInt64 = 0

  package init() {}

  /// An operation begins, or whatever else has a place in the order.
  package mutating func invoke() -> UInt64 {
    moment += 1
    return moment
  }

  package mutating func answer(
    _ call: Model.Call, _ answer: Model.Answer, key: Int, client: Int, invoked: UInt64
  ) {
    moment += 1
    answerCount += 1
    operations.append(
      Operation(
        client: client, key: key, call: call, answer: answer, invoked: invoked, returned: moment))
  }

  /// Nobody knows whether it was done, or will be.
  package mutating func giveUp(_ call: Model.Call, key: Int, client: Int, invoked: UInt64) {
    operations.append(Operation(unknown: call, client: client, key: key, invoked: invoked))
  }

  /// What is wrong with it, if anything.
  package func violation() -> ClusterViolation? {
    var checker = LinearizabilityChecker(Model())
    checker.stepLimit = 2_000_000
    let report = checker.check(operations)
    if let first = report.violations.first {
      return ClusterViolation(.notLinearizable, first.explanation)
    }
    return nil
  }
}
