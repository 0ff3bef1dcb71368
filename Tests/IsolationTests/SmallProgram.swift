/// One operation of a small transaction, over two keys and an interval.
///
/// `x` is there at first, `y` is not, and the interval contains `y` alone: so reads of present and
/// of absent keys, phantoms, and rivals inside and outside of a scanned range are all among the
/// programs.
enum SmallOperation: Int, CaseIterable, CustomStringConvertible {
  case readX, readY, writeX, writeY, scan

  var isWrite: Bool { self == .writeX || self == .writeY }

  /// The key that it reads or writes; the scan reads `y`, as a predicate.
  var key: SmallKey { self == .readX || self == .writeX ? .x : .y }

  var description: String {
    switch self {
    case .readX: "r(x)"
    case .readY: "r(y)"
    case .writeX: "w(x)"
    case .writeY: "w(y)"
    case .scan: "scan"
    }
  }
}

enum SmallKey: Int, CaseIterable {
  case x, y

  /// `x` lies before the scanned interval, `y` inside.
  var bytes: [UInt8] { self == .x ? [1] : [3] }
}

/// What a transaction does before it commits.
struct SmallProgram: CustomStringConvertible {
  let operations: [SmallOperation]

  var description: String { operations.map(\.description).joined(separator: " ") }

  var writes: Bool { operations.contains { $0.isWrite } }

  /// Whether the two can get into each other's way: one writes a key that the other uses.
  func conflicts(with other: SmallProgram) -> Bool {
    operations.contains { mine in
      other.operations.contains { $0.key == mine.key && ($0.isWrite || mine.isWrite) }
    }
  }

  /// Whether each has to do with all the others, at least through a third: else fewer of them show
  /// the same.
  static func areEntangled(_ programs: [SmallProgram]) -> Bool {
    var reached: Set<Int> = [0]
    var frontier = [0]
    while let index = frontier.popLast() {
      for other in programs.indices
      where !reached.contains(other) && programs[index].conflicts(with: programs[other]) {
        reached.insert(other)
        frontier.append(other)
      }
    }
    return reached.count == programs.count
  }

  /// All programs of one to so many operations, without those that say the same twice in a row.
  static func all(upTo count: Int) -> [SmallProgram] {
    var programs: [[SmallOperation]] = [[]]
    var result: [[SmallOperation]] = []
    for _ in 0..<count {
      programs = programs.flatMap { program in
        SmallOperation.allCases.filter { $0 != program.last }.map { program + [$0] }
      }
      result += programs
    }
    return result.map(SmallProgram.init)
  }
}

/// All orders in which the steps of several transactions can be taken: each with its operations and
/// then its commit. A transaction begins with its first step.
struct Interleavings {
  /// For each order, the transaction whose turn it is.
  static func all(_ counts: [Int]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var current: [UInt8] = []
    var remaining = counts
    func extend() {
      if remaining.allSatisfy({ $0 == 0 }) {
        result.append(current)
        return
      }
      for index in remaining.indices where remaining[index] > 0 {
        remaining[index] -= 1
        current.append(UInt8(index))
        extend()
        current.removeLast()
        remaining[index] += 1
      }
    }
    extend()
    return result
  }
}
