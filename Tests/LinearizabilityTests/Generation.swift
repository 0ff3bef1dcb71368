import Verification

/// A history of a real register under many clients, made by a simulation: each operation takes
/// effect at one moment between its invocation and its return.
struct HistoryGenerator {
  var operationCount: Int
  var clientCount = 32
  var keyCount = 1
  /// In a thousand.
  var unknownShare = 5
  var deleteShare = 0
  /// Values are written once each, or drawn from so many.
  var valueCount: Int?

  /// - Parameter fault: makes another answer of the true one to a call, by the number of the
  ///   operation and its key.
  func history(
    seed: UInt64,
    fault: (Register.Call, inout Register.Answer, Int, Int) -> Void = { _, _, _, _ in }
  ) -> [Operation] {
    var generator = TestGenerator(seed)
    struct Span {
      var client: Int
      var invoked: UInt64
      var effect: UInt64
      var returned: UInt64
      var isUnknown: Bool
    }
    var clock = [UInt64](repeating: 1, count: clientCount)
    var spans: [Span] = []
    for number in 0..<operationCount {
      let client = number % clientCount
      let invoked = clock[client] + UInt64(generator.below(100))
      let length = UInt64(generator.below(20) == 0 ? 20_000 : 2_000)
      let effect = invoked + UInt64.random(in: 0...length, using: &generator)
      let returned = effect + UInt64.random(in: 0...length, using: &generator)
      let isUnknown = generator.below(1000) < unknownShare
      clock[client] = returned + 1
      let late = isUnknown ? UInt64(generator.below(50_000)) : 0
      spans.append(
        Span(
          client: client, invoked: invoked, effect: effect + late, returned: returned,
          isUnknown: isUnknown))
    }
    spans.sort { ($0.effect, $0.client) < ($1.effect, $1.client) }
    var states = [Int?](repeating: nil, count: keyCount)
    var operations: [Operation] = []
    for (number, span) in spans.enumerated() {
      let key = generator.below(keyCount)
      func value() -> Int { valueCount.map { generator.below($0) + 1 } ?? number + 1 }
      let call: Register.Call =
        if generator.below(1000) < deleteShare {
          .delete
        } else {
          switch generator.below(10) {
          case 0...4: .get
          case 5...7: .put(value())
          default:
            .compareAndSet(
              expected: generator.below(2) == 0
                ? states[key] : valueCount.map { generator.below($0) + 1 } ?? number / 2,
              new: value())
          }
        }
      let before = states[key]
      var answer: Register.Answer =
        switch call {
        case .get: .value(before)
        case .put: .done
        case .compareAndSet(let expected, _): .applied(expected == before)
        case .delete: .applied(before != nil)
        }
      if !span.isUnknown || generator.below(3) > 0 {
        states[key] = Register().step(before, call, answer: nil) ?? before
      }
      if span.isUnknown {
        operations.append(
          Operation(unknown: call, client: span.client, key: key, invoked: span.invoked))
      } else {
        fault(call, &answer, number, key)
        operations.append(
          Operation(
            client: span.client, key: key, call: call, answer: answer, invoked: span.invoked,
            returned: span.returned))
      }
    }
    return operations
  }
}
