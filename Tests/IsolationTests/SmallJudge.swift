import Martlet

/// Dependencies between the transactions of one small execution, and what a level makes of them
/// (Adya 1999): versions of a key follow each other in the order of their commits.
struct SmallJudge {
  /// Kinds of edges, as bits.
  struct Kinds: OptionSet, Hashable {
    let rawValue: UInt8
    static let ww = Kinds(rawValue: 1)
    static let wr = Kinds(rawValue: 2)
    static let rw = Kinds(rawValue: 4)
    static let predicateRW = Kinds(rawValue: 8)
    static let realTime = Kinds(rawValue: 16)
  }

  private let count: Int
  /// Edges from one to another.
  private(set) var edges: [Kinds]
  private(set) var edgeCounts: [Kinds: Int] = [:]
  /// What is wrong with single reads or the final state; nil: nothing.
  private(set) var complaint: String?

  init(_ programs: [SmallProgram], _ outcomes: [SmallOutcome], final: [Int]) {
    count = programs.count
    edges = Array(repeating: [], count: count * count)
    for key in SmallKey.allCases { judge(key, programs, outcomes, final: final[key.rawValue]) }
    for (left, first) in outcomes.enumerated() where first.timestamp != nil {
      for (right, second) in outcomes.enumerated()
      where right != left && second.timestamp != nil && first.endedAt < second.beganAt {
        add(.realTime, left, right)
      }
    }
  }

  private mutating func add(_ kind: Kinds, _ from: Int, _ to: Int) {
    guard from != to else { return }
    if !edges[from * count + to].contains(kind) { edgeCounts[kind, default: 0] += 1 }
    edges[from * count + to].insert(kind)
  }

  private mutating func judge(
    _ key: SmallKey, _ programs: [SmallProgram], _ outcomes: [SmallOutcome], final: Int
  ) {
    // Committed writers of the key in the order of their commits, with their last values.
    var writers: [(transaction: Int, timestamp: UInt64, value: Int)] = []
    for (index, outcome) in outcomes.enumerated() {
      guard let timestamp = outcome.timestamp,
        let last = programs[index].operations.lastIndex(where: { $0.isWrite && $0.key == key })
      else { continue }
      writers.append((index, timestamp, SmallExecution.value(index, last)))
    }
    writers.sort { $0.timestamp < $1.timestamp }
    let atFirst = key == .x ? SmallExecution.initial : SmallExecution.absent
    if final != writers.last?.value ?? atFirst { complaint = "\(key) is \(final) at the end" }
    for (left, right) in zip(writers, writers.dropFirst()) {
      add(.ww, left.transaction, right.transaction)
    }
    for (index, outcome) in outcomes.enumerated() where outcome.timestamp != nil {
      for read in outcome.reads where read.operation.key == key {
        if programs[index].operations.indices.contains(where: {
          SmallExecution.value(index, $0) == read.value
        }) && read.value > 0 {
          continue
        }
        let next: Int
        if let source = writers.firstIndex(where: { $0.value == read.value }) {
          add(.wr, writers[source].transaction, index)
          next = source + 1
        } else if read.value == atFirst {
          next = 0
        } else {
          complaint = "transaction \(index) read \(read.value), which nobody committed last"
          continue
        }
        guard next < writers.count else { continue }
        add(
          read.operation == .scan ? .predicateRW : .rw, index, writers[next].transaction)
      }
    }
  }

  /// Whether there is a circle of edges of these kinds; with `antidependencies`, one that has exactly
  /// so many readers that were overtaken.
  func hasCircle(_ kinds: Kinds, antidependencies: Int? = nil) -> Bool {
    func walk(_ start: Int, _ node: Int, _ visited: Int, _ overtaken: Int) -> Bool {
      for next in 0..<count {
        let found = edges[node * count + next].intersection(kinds)
        if found.isEmpty { continue }
        let plain = found.intersection([.ww, .wr, .realTime])
        // With a plain edge beside it, an overtaking need not be counted.
        let options = plain.isEmpty ? [1] : found == plain ? [0] : [0, 1]
        for option in options {
          let total = overtaken + option
          if let limit = antidependencies, total > limit { continue }
          if next == start {
            if antidependencies.map({ $0 == total }) ?? true { return true }
          } else if next > start, visited & 1 << next == 0,
            walk(start, next, visited | 1 << next, total)
          {
            return true
          }
        }
      }
      return false
    }
    return (0..<count).contains { walk($0, $0, 1 << $0, 0) }
  }

  /// What a level forbids and this execution shows; nil: nothing.
  func violation(of isolation: IsolationLevel) -> String? {
    if isolation > .readUncommitted, let complaint { return complaint }
    switch isolation {
    case .readUncommitted: return hasCircle(.ww) ? "dirty write" : nil
    case .readCommitted: return hasCircle([.ww, .wr]) ? "G1c" : nil
    case .repeatableRead: return hasCircle([.ww, .wr, .rw]) ? "G2-item" : nil
    case .snapshot:
      if hasCircle([.ww, .wr, .realTime]) { return "G-SI(a)" }
      return hasCircle([.ww, .wr, .rw, .predicateRW, .realTime], antidependencies: 1)
        ? "G-single" : nil
    case .serializable: return hasCircle([.ww, .wr, .rw, .predicateRW]) ? "not serializable" : nil
    case .strictSerializable:
      return hasCircle([.ww, .wr, .rw, .predicateRW, .realTime]) ? "not strictly serializable" : nil
    }
  }
}
