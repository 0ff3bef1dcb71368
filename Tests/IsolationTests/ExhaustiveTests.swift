import Foundation
import Martlet
import Synchronization
import Testing

/// Every order of the steps of every two small transactions, and of three smaller ones, at every
/// level and over all mixes of the serializable protocols (rule M1).
///
/// In release mode the pairs are all taken, and of the triples every 120th from an offset that changes
/// daily, in debug mode far fewer; all of them with `MARTLET_EXHAUSTIVE=1`.
@Suite struct `Small transactions in every order` {
  /// A discipline for each transaction: each level with itself, and all mixes up to renaming.
  static let pairs: [[Discipline]] =
    IsolationLevel.allCases.map { [Discipline($0), Discipline($0)] } + mixes(of: 2)

  static let triples: [[Discipline]] = mixes(of: 3)

  private static func mixes(of count: Int) -> [[Discipline]] {
    var mixes: [[Int]] = [[]]
    for _ in 0..<count {
      mixes = mixes.flatMap { mix in
        ((mix.last ?? 0)..<TransactionProtocol.allCases.count).map { mix + [$0] }
      }
    }
    return mixes.map { mix in
      mix.map { Discipline(.strictSerializable, TransactionProtocol.allCases[$0]) }
    }
  }

  private static let takesAll = ProcessInfo.processInfo.environment["MARTLET_EXHAUSTIVE"] == "1"

  #if DEBUG
    private static let isDebug = true
  #else
    private static let isDebug = false
  #endif

  /// Every so manieth case, from today's offset.
  private static func sampling(release: Int, debug: Int) -> (stride: Int, offset: Int) {
    let everyNth = takesAll ? 1 : isDebug ? debug : release
    return (everyNth, Int(Date().timeIntervalSince1970 / 86_400) % everyNth)
  }

  @Test(arguments: pairs)
  func `two of up to three operations keep their level's promise`(_ disciplines: [Discipline])
    throws
  {
    let (stride, offset) = Self.sampling(release: 1, debug: 240)
    try explore(SmallProgram.all(upTo: 3), disciplines, stride: stride, offset: offset)
  }

  @Test(arguments: triples)
  func `three of up to two operations are strictly serializable`(_ disciplines: [Discipline]) throws
  {
    let (stride, offset) = Self.sampling(release: 120, debug: 2400)
    try explore(SmallProgram.all(upTo: 2), disciplines, stride: stride, offset: offset)
  }

  @Test(arguments: [
    (IsolationLevel.readUncommitted, IsolationLevel.readCommitted),
    (.readCommitted, .repeatableRead), (.repeatableRead, .serializable),
    (.snapshot, .serializable),
  ])
  func `a weaker level shows what the next one forbids`(
    _ weaker: IsolationLevel, _ stronger: IsolationLevel
  ) throws {
    // The harness can see: what a level allows does happen.
    var execution = try SmallExecution()
    let programs = SmallProgram.all(upTo: 2)
    let disciplines = [Discipline(weaker), Discipline(weaker)]
    var shown = 0
    for first in programs {
      for second in programs where first.writes && second.writes {
        let counts = [first, second].map { $0.operations.count + 1 }
        for order in Interleavings.all(counts) where shown == 0 {
          guard let run = try execution.run([first, second], disciplines, order: order) else {
            continue
          }
          let judge = SmallJudge([first, second], run.outcomes, final: run.final)
          if judge.violation(of: stronger) != nil { shown += 1 }
        }
      }
    }
    #expect(shown > 0, "\(weaker) never showed what \(stronger) forbids")
  }

  private func explore(
    _ programs: [SmallProgram], _ disciplines: [Discipline], stride: Int, offset: Int
  ) throws {
    var execution = try SmallExecution()
    let width = disciplines.count
    var orders: [[Int]: [[UInt8]]] = [:]
    var edges: [SmallJudge.Kinds: Int] = [:]
    var number = 0
    var chosen = Array(repeating: 0, count: width)
    func next() -> Bool {
      for place in chosen.indices.reversed() {
        chosen[place] += 1
        if chosen[place] < programs.count { return true }
        chosen[place] = 0
      }
      return false
    }
    repeat {
      // Up to renaming: under the same discipline, the programs in ascending order.
      if (1..<width).contains(where: {
        disciplines[$0] == disciplines[$0 - 1] && chosen[$0] < chosen[$0 - 1]
      }) {
        continue
      }
      let cast = chosen.map { programs[$0] }
      guard SmallProgram.areEntangled(cast) else { continue }
      let counts = cast.map { $0.operations.count + 1 }
      let all = orders[counts] ?? Interleavings.all(counts)
      orders[counts] = all
      for order in all {
        number += 1
        guard number % stride == offset else { continue }
        guard let run = try execution.run(cast, disciplines, order: order) else { continue }
        let judge = SmallJudge(cast, run.outcomes, final: run.final)
        for (kind, count) in judge.edgeCounts { edges[kind, default: 0] += count }
        if let violation = judge.violation(of: disciplines[0].isolation) {
          Issue.record(
            "\(violation): \(cast) under \(disciplines) in order \(order): \(run.outcomes)")
          return
        }
      }
    } while next()
    let aborts = execution.aborts.map { "\($0.value) \($0.key.name)" }.sorted()
    print(
      "\(disciplines): \(execution.finishedCount) of \(number) orders to their end, "
        + "\(execution.blockedCount) ended in a wait, aborts: \(aborts.joined(separator: ", ")); "
        + "edges: ww \(edges[.ww] ?? 0), wr \(edges[.wr] ?? 0), rw \(edges[.rw] ?? 0), "
        + "predicate rw \(edges[.predicateRW] ?? 0)")
    #expect(execution.finishedCount > 0)
  }
}
