/// All the orders in which the steps of several sessions can follow one another, numbered.
///
/// There are (n1 + n2 + ...)! / (n1! n2! ...) of them. Each has a rank in lexicographic order, and
/// can be made from its rank alone, so that some can be picked evenly and the work be shared
/// without a list.
package struct Interleavings: Sendable {
  /// The steps of each session, in order.
  private let sessions: [[Int]]
  /// How many there are; `Int.max` when there are more than that.
  package let count: Int

  package init(of scenario: Scenario) {
    self.init(sessions: scenario.sessions.map(\.steps))
  }

  package init(sessions: [[Int]]) {
    self.sessions = sessions
    count = Self.count(sessions.map(\.count))
  }

  /// The interleaving of a rank from 0 to `count`, exclusive.
  package subscript(rank: Int) -> [Int] {
    precondition(rank >= 0 && rank < count, "no interleaving has this rank")
    var rest = rank
    var left = sessions.map(\.count)
    var order: [Int] = []
    while left.contains(where: { $0 > 0 }) {
      for session in left.indices where left[session] > 0 {
        left[session] -= 1
        let behind = Self.count(left)
        if rest < behind {
          let steps = sessions[session]
          order.append(steps[steps.count - 1 - left[session]])
          break
        }
        rest -= behind
        left[session] += 1
      }
    }
    return order
  }

  /// At most so many ranks, all or evenly spread.
  package func ranks(atMost limit: Int) -> [Int] {
    guard count > limit else { return Array(0..<count) }
    return (0..<limit).map { index in
      // Both factors are at most `count`; the product may need twice the bits.
      let (high, low) = count.multipliedFullWidth(by: index)
      return limit.dividingFullWidth((high, low)).quotient
    }
  }

  private static func count(_ lengths: [Int]) -> Int {
    var product: UInt = 1
    var total: UInt = 0
    for length in lengths {
      for chosen in stride(from: 1, through: UInt(length), by: 1) {
        total += 1
        // Exact at every step: a product of binomial coefficients.
        let (high, low) = product.multipliedFullWidth(by: total)
        guard high < chosen else { return .max }
        product = chosen.dividingFullWidth((high, low)).quotient
        guard product < UInt(Int.max) else { return .max }
      }
    }
    return Int(product)
  }
}
