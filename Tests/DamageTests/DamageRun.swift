import Dispatch
import Foundation
import Martlet
import Simulation
import Synchronization
import Testing
import Verification

/// Runs many damages of one database on all cores, and counts what became of them.
final class DamageRun: Sendable {
  struct Cell: Hashable {
    let target: String
    let kind: String
    let result: String
  }

  private let counts = Mutex<[Cell: Int]>([:])
  private let problems = Mutex<[String]>([])
  private let started = ContinuousClock.now

  /// How many damages are left out for each that is tried.
  static let stride: Int = {
    if let text = ProcessInfo.processInfo.environment["MARTLET_STRIDE"], let stride = Int(text) {
      return max(1, stride)
    }
    #if DEBUG
      return 29
    #else
      return 1
    #endif
  }()

  /// The stride of a list that is long: every case of it is only tried with MARTLET_EVERYTHING.
  static func stride(_ factor: Int) -> Int {
    ProcessInfo.processInfo.environment["MARTLET_EVERYTHING"] != nil ? 1 : stride * factor
  }

  /// Whether each case is named before it runs: to find the one that ends the process.
  static let isVerbose = ProcessInfo.processInfo.environment["MARTLET_VERBOSE"] != nil

  /// Tries every damage, each in a world of its own, and judges it.
  func run(_ subject: DamageSubject, _ damages: [Damage], stride: Int = DamageRun.stride) {
    let oracle = DamageOracle(subject)
    each(damages, stride) { index in
      let damage = damages[index]
      let verdict = oracle.verdict(damage)
      let outcome = DamageTrial(configuration: subject.configuration).run(
        damage.applied(to: subject.image))
      let (result, problem) = oracle.judge(outcome, verdict)
      return (result.rawValue, problem.map { "\(subject.name), \(damage), \(verdict): \($0)" })
    }
  }

  /// Tries damages with a judge of the caller's, who is told which one.
  func each(
    _ damages: [Damage], _ stride: Int,
    _ judge: @Sendable (Int) -> (result: String, problem: String?)
  ) {
    let chosen = Array(Swift.stride(from: 0, to: damages.count, by: stride))
    let watch = Watch()
    DispatchQueue.concurrentPerform(iterations: chosen.count) { number in
      let damage = damages[chosen[number]]
      let token = watch.begin("\(damage)")
      if Self.isVerbose { FileHandle.standardError.write(Data("\(damage)\n".utf8)) }
      let (result, problem) = judge(chosen[number])
      watch.end(token)
      let cell = Cell(target: damage.target.rawValue, kind: damage.kind.rawValue, result: result)
      counts.withLock { $0[cell, default: 0] += 1 }
      if let problem { problems.withLock { $0.append(problem) } }
    }
    watch.stop()
  }

  var total: Int { counts.withLock { $0.values.reduce(0, +) } }

  func count(_ result: DamageOracle.Result) -> Int {
    counts.withLock { $0.filter { $0.key.result == result.rawValue }.values.reduce(0, +) }
  }

  /// Prints the table of damage and outcome, and fails for each problem.
  func finish(_ title: String) {
    let counts = counts.withLock { $0 }
    let results = Set(counts.keys.map(\.result)).sorted()
    print("\(title): \(total) cases in \(ContinuousClock.now - started)")
    func row(_ cells: [String]) -> String {
      cells.enumerated().map { index, cell in
        let padding = String(repeating: " ", count: max(0, (index < 2 ? 14 : 11) - cell.count))
        return index < 2 ? cell + padding : padding + cell
      }.joined(separator: " ")
    }
    print(row(["target", "damage"] + results))
    let rows = Set(counts.keys.map { [$0.target, $0.kind] }).sorted {
      $0.lexicographicallyPrecedes($1)
    }
    for key in rows {
      let cells = results.map { result in
        counts[Cell(target: key[0], kind: key[1], result: result)].map(String.init) ?? "."
      }
      print(row(key + cells))
    }
    let problems = problems.withLock { $0.sorted() }
    // One of each sort: the same text but for its numbers.
    let sorts = Dictionary(grouping: problems) { $0.filter { !$0.isHexDigit }.suffix(120) }
    for sort in sorts.values.sorted(by: { $0.count > $1.count }).prefix(12) {
      Issue.record("\(sort.count) like this: \(sort[0])")
    }
    let count = problems.count
    #expect(count == 0, "of \(total) cases")
  }
}

/// Ends the process when one case takes longer than any can: an endless loop must not hang a run.
final class Watch: Sendable {
  private let running = Mutex<[Int: (name: String, start: ContinuousClock.Instant)]>([:])
  private let next = Atomic<Int>(0)
  private let isStopped = Atomic<Bool>(false)
  static let limit = Duration.seconds(60)

  init() {
    Thread.detachNewThread { [self] in
      while !isStopped.load(ordering: .relaxed) {
        Thread.sleep(forTimeInterval: 0.2)
        let late = running.withLock { running in
          running.values.first { ContinuousClock.now - $0.start > Self.limit }?.name
        }
        if let late { fatalError("a case does not end: \(late)") }
      }
    }
  }

  func begin(_ name: String) -> Int {
    let token = next.wrappingAdd(1, ordering: .relaxed).oldValue
    running.withLock { $0[token] = (name, .now) }
    return token
  }

  func end(_ token: Int) { running.withLock { $0[token] = nil } }

  func stop() { isStopped.store(true, ordering: .relaxed) }
}
