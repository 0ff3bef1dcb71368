import KeyCoding
import Testing

/// Elements by their places, wherever a tuple stands.
///
/// As a `var` of a pack type, `elements` let the compiler crash (Swift 6.3.1, debug and release) over
/// every `tuple.elements.0` of which the tuple might be assigned to. That this file compiles is the test.
@Suite struct `An element of a tuple` {
  private struct Order {
    var key: KeyTuple<String, Int>
    var number: Int { key.elements.1 }
    mutating func name() -> String { key.elements.0 }
  }

  private final class Shelf {
    var key = KeyTuple("shelf", 1)
    var number: Int { key.elements.1 }
  }

  private func number(_ key: inout KeyTuple<String, Int>) -> Int { key.elements.1 }

  @Test func `is read of a variable, a parameter and a property`() {
    var key = KeyTuple("a", 1)
    #expect(key.elements.0 == "a" && key.elements.1 == 1)
    key = KeyTuple(key.elements.0, 2)
    #expect(key.elements.1 == 2)
    #expect(number(&key) == 2)
    var order = Order(key: key)
    #expect(order.number == 2 && order.name() == "a")
    #expect(order.key.elements.1 == 2)
    #expect(Shelf().number == 1)
  }

  @Test func `is read in loops, closures and nested tuples`() {
    var numbers: [Int] = []
    for var key in [KeyTuple("a", 1), KeyTuple("b", 2)] {
      if key.elements.0 == "b" { key = KeyTuple("b", 3) }
      numbers.append(key.elements.1)
    }
    #expect(numbers == [1, 3])
    var nested = KeyTuple(KeyTuple("a", 1), true)
    nested = KeyTuple(KeyTuple("b", nested.elements.0.elements.1), false)
    let read = { nested.elements.0.elements.0 }
    #expect(read() == "b" && !nested.elements.1)
    #expect([KeyTuple("a", 1)].map(\.elements.1) == [1])
    var one = KeyTuple(7)
    one = KeyTuple(one.elements + 1)
    #expect(one.elements == 8)
  }
}
