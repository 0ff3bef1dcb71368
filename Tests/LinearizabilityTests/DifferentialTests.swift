import Foundation
import Seeds
import Testing
import Verification

/// The searches beside the definition.
@Suite struct `The linearizability checker and brute force` {
  static let answered: [(Register.Call, Register.Answer)] = [
    (.get, .value(nil)), (.get, .value(1)), (.get, .value(2)), (.put(1), .done), (.put(2), .done),
    (.compareAndSet(expected: nil, new: 1), .applied(true)),
    (.compareAndSet(expected: 1, new: 2), .applied(true)),
    (.compareAndSet(expected: 1, new: 2), .applied(false)),
    (.compareAndSet(expected: nil, new: 1), .applied(false)),
    (.compareAndSet(expected: 2, new: nil), .applied(true)),
    (.delete, .done), (.delete, .applied(true)), (.delete, .applied(false)),
  ]
  static let unknown: [Register.Call] = [
    .get, .put(1), .put(2), .compareAndSet(expected: 1, new: 2),
    .compareAndSet(expected: nil, new: 1), .delete,
  ]

  static func agree(_ history: [Operation]) -> Bool {
    let expected = bruteForce(history)
    return LinearizabilityChecker(Register()).check(history).isLinearizable == expected
      && LinearizabilityChecker(PlainRegister()).check(history.map(\.plain)).isLinearizable
        == expected
  }

  /// Every way in which a few operations can overlap, as the places of invocations and returns.
  static func overlaps(_ count: Int) -> [[(UInt64, UInt64)]] {
    var result: [[(UInt64, UInt64)]] = []
    func extend(_ spans: [(UInt64, UInt64?)], _ time: UInt64) {
      if spans.count == count && spans.allSatisfy({ $0.1 != nil }) {
        result.append(spans.map { ($0.0, $0.1 ?? 0) })
        return
      }
      // Operations are numbered by their invocation, so that each overlap comes up once.
      if spans.count < count { extend(spans + [(time, nil)], time + 1) }
      for index in spans.indices where spans[index].1 == nil {
        var next = spans
        next[index].1 = time
        extend(next, time + 1)
      }
    }
    extend([], 1)
    return result
  }

  /// Every one, where `MARTLET_EXHAUSTIVE` is set (ten seconds optimised); else all of up to two
  /// operations, and every 17th of three.
  @Test func `agree on every history of up to three operations`() {
    let isComplete = ProcessInfo.processInfo.environment["MARTLET_EXHAUSTIVE"] != nil
    var turn = 0
    var count = 0
    var linearizable = 0
    for size in 1...3 {
      for overlap in Self.overlaps(size) {
        var choice = [Int](repeating: 0, count: size)
        let kinds = Self.answered.count + Self.unknown.count
        while true {
          let history = zip(choice, overlap).enumerated().map { index, pair in
            let (kind, (invoked, returned)) = pair
            return kind < Self.answered.count
              ? operation(index, Self.answered[kind].0, Self.answered[kind].1, invoked, returned)
              : Operation(
                unknown: Self.unknown[kind - Self.answered.count], client: index, key: 1,
                invoked: invoked)
          }
          turn += 1
          let isLinearizable = bruteForce(history)
          count += 1
          if isLinearizable { linearizable += 1 }
          if isComplete || size < 3 || turn % 17 == 0,
            LinearizabilityChecker(Register()).check(history).isLinearizable != isLinearizable
              || LinearizabilityChecker(PlainRegister()).check(history.map(\.plain)).isLinearizable
                != isLinearizable
          {
            Issue.record("\(history)")
            return
          }
          var position = 0
          while position < size, choice[position] == kinds - 1 {
            choice[position] = 0
            position += 1
          }
          if position == size { break }
          choice[position] += 1
        }
      }
    }
    #expect(count > 100_000)
    #expect(linearizable > 10_000 && linearizable < count - 10_000)
  }

  @Test func `agree on random histories of up to eight operations`() {
    let seed = Seed.take(for: #function)
    var generator = TestGenerator(seed)
    var linearizable = 0
    let count = 4_000
    for _ in 0..<count {
      let history = Self.random(&generator)
      if bruteForce(history) { linearizable += 1 }
      guard Self.agree(history) else {
        Issue.record("seed \(seed): \(history)")
        return
      }
    }
    #expect(linearizable > count / 20 && linearizable < count * 19 / 20)
  }

  /// Answers of a register that is real for most of the time, spread over spans that overlap.
  static func random(_ generator: inout TestGenerator) -> [Operation] {
    let size = 3 + generator.below(6)
    let width = 1 + generator.below(5)
    let valueCount = 1 + generator.below(4)
    var state: Int?
    return (0..<size).map { index in
      let moment = UInt64(10 + 4 * index)
      let invoked = moment - UInt64(generator.below(4 * width) / 2).clamped(to: moment - 1)
      let returned = moment + UInt64(generator.below(4 * width) / 2)
      func value() -> Int { generator.below(valueCount) + 1 }
      let call: Register.Call =
        switch generator.below(10) {
        case 0...3: .get
        case 4...6: .put(value())
        case 7, 8:
          .compareAndSet(
            expected: generator.below(3) == 0 ? nil : value(),
            new: generator.below(5) == 0 ? nil : value())
        default: .delete
        }
      let isUnknown = generator.below(5) == 0
      let before = state
      if !isUnknown || generator.below(2) == 0 {
        state = Register().step(state, call, answer: nil) ?? state
      }
      if isUnknown { return Operation(unknown: call, client: index, key: 1, invoked: invoked) }
      let wrong = generator.below(12) == 0
      let answer: Register.Answer =
        switch call {
        case .get: .value(wrong ? value() : before)
        case .put: .done
        case .compareAndSet(let expected, _): .applied((expected == before) != wrong)
        case .delete: generator.below(2) == 0 ? .done : .applied((before != nil) != wrong)
        }
      return operation(index, call, answer, invoked, returned)
    }
  }
}

extension UInt64 {
  fileprivate func clamped(to most: UInt64) -> UInt64 { Swift.min(self, most) }
}
