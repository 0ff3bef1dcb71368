import Verification

typealias Register = RegisterModel<Int, Int>
typealias Operation = TimedOperation<Register>

/// SplitMix64: the same numbers for the same seed everywhere.
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}

/// An answered operation on key 1.
func operation(
  _ client: Int, _ call: Register.Call, _ answer: Register.Answer, _ invoked: UInt64,
  _ returned: UInt64
) -> Operation {
  Operation(
    client: client, key: 1, call: call, answer: answer, invoked: invoked, returned: returned)
}

/// The registers without footprints, so that the general search has to decide.
struct PlainRegister: SequentialModel {
  typealias Key = Int
  let register = Register()
  func initialState(of key: Int) -> Int? { nil }
  func step(_ state: Int?, _ call: Register.Call, answer: Register.Answer?) -> Int?? {
    register.step(state, call, answer: answer)
  }
}

extension TimedOperation<Register> {
  var plain: TimedOperation<PlainRegister> {
    if let answer {
      TimedOperation<PlainRegister>(
        client: client, key: key, call: call, answer: answer, invoked: invoked,
        returned: returned)
    } else {
      TimedOperation<PlainRegister>(unknown: call, client: client, key: key, invoked: invoked)
    }
  }
}

/// The definition: tries all orders of all subsets of what is unknown.
func bruteForce(_ operations: [Operation], from state: Int? = nil) -> Bool {
  if operations.allSatisfy(\.isUnknown) { return true }
  for (index, operation) in operations.enumerated() {
    if operations.contains(where: { $0.returned < operation.invoked }) { continue }
    guard let next = Register().step(state, operation.call, answer: operation.answer) else {
      continue
    }
    var rest = operations
    rest.remove(at: index)
    if bruteForce(rest, from: next) { return true }
  }
  return false
}
