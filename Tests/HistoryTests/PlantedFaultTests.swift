import Seeds
import Testing
import Verification

/// Transactions of a serial store with faults at random places: all must be found, and nothing else.
@Suite struct `The history checker on planted faults` {
  /// A serial store of lists and registers, and the history of what it answered.
  struct Store {
    var generator: SplitMix
    var history = History()
    var lists: [Int: [Int]] = [:]
    var registers: [Int: Int] = [:]
    private var value = 0
    /// Lists have keys below this, registers above.
    let boundary = 1_000_000

    init(_ generator: SplitMix) { self.generator = generator }

    mutating func nextValue() -> Int {
      value += 1
      return value
    }

    /// Keys move on, so that lists stay short.
    func key(_ offset: Int) -> Int { history.transactions.count / 100 * 10 + offset }

    mutating func run(_ count: Int) {
      for _ in 0..<count { add(step()) }
    }

    mutating func add(
      _ operations: [HistoryOperation], _ outcome: HistoryTransaction.Outcome = .ok
    ) {
      // Four processes that overlap: each completes when three others have begun.
      let number = history.transactions.count
      history.transactions.append(
        HistoryTransaction(
          process: number % 4, outcome: outcome, operations, invocationIndex: 2 * number,
          completionIndex: 2 * number + 7))
    }

    private mutating func step() -> [HistoryOperation] {
      var operations: [HistoryOperation] = []
      for _ in 0..<1 + generator.below(4) {
        let key = key(generator.below(10))
        switch generator.below(6) {
        case 0, 1:
          let value = nextValue()
          lists[key, default: []].append(value)
          operations.append(append(key, value))
        case 2: operations.append(.read(key: key, lists[key].map { .list($0) } ?? .absent))
        case 3: operations.append(scanned(key..<key + 5))
        default:
          let key = key + boundary
          operations.append(.read(key: key, registers[key].map { .register($0) } ?? .absent))
          if generator.below(2) == 0 {
            let value = nextValue()
            registers[key] = value
            operations.append(write(key, value))
          }
        }
      }
      return operations
    }

    func scanned(_ range: Range<Int>) -> HistoryOperation {
      .scan(
        lower: range.lowerBound, upper: range.upperBound,
        range.compactMap { key in lists[key].map { HistoryEntry(key, .list($0)) } })
    }
  }

  /// The faults: what each adds to the history of a store, on keys that are there already.
  enum Fault: String, CaseIterable {
    case abortedRead = "G1a"
    case intermediateRead = "G1b"
    case dirtyUpdate = "dirty-update"
    case fuzzyRead = "fuzzy-read"
    case lostUpdate = "lost-update"
    case internalInconsistency = "internal"
    case duplicate = "duplicate-elements"
    case order = "incompatible-order"
    case garbage = "garbage-read"
    case dirtyWrites = "G0"
    case circularFlow = "G1c"
    case readSkew = "G-single"
    case predicateReadSkew = "G-single-predicate"
    case longFork = "G-nonadjacent"
    case predicateLongFork = "G-nonadjacent-predicate"
    case writeSkew = "G2-item"
    case predicateWriteSkew = "G2"
    case staleRead = "G-single-realtime"
  }

  static func plant(_ fault: Fault, in store: inout Store, key a: Int) {
    // Keys of their own among those in use, so that what is found is the fault.
    let b = a + 1
    let one = store.nextValue()
    let two = store.nextValue()
    switch fault {
    case .abortedRead:
      store.add([append(a, one)], .fail)
      store.add([list(a, one)])
    case .intermediateRead:
      store.add([append(a, one), append(a, two)])
      store.add([list(a, one)])
    case .dirtyUpdate:
      store.add([append(a, one)], .fail)
      store.add([append(a, two)])
      store.add([list(a, one, two)])
    case .fuzzyRead:
      store.add([append(a, one)])
      store.add([absent(a), list(a, one)])
    case .lostUpdate:
      store.add([absent(a), append(a, one)])
      store.add([absent(a), append(a, two)])
      store.add([list(a, one, two)])
    case .internalInconsistency: store.add([append(a, one), absent(a)])
    case .duplicate:
      store.add([append(a, one)])
      store.add([list(a, one, one)])
    case .order:
      store.add([append(a, one)])
      store.add([append(a, two)])
      store.add([list(a, one, two)])
      store.add([list(a, two, one)])
    case .garbage: store.add([list(a, store.nextValue())])
    case .dirtyWrites:
      store.add([append(a, one), append(b, one)])
      store.add([append(a, two), append(b, two)])
      store.add([list(a, one, two), list(b, two, one)])
    case .circularFlow:
      store.add([append(a, one), list(b, two)])
      store.add([append(b, two), list(a, one)])
    case .readSkew:
      store.add([append(a, one), append(b, two)])
      store.add([list(a, one), absent(b)])
      store.add([list(b, two)])
    case .predicateReadSkew:
      store.add([append(a, one), append(b, two)])
      store.add([list(a, one), scan(b..<b + 5, [:])])
      store.add([list(b, two)])
    case .longFork:
      store.add([append(a, one)])
      store.add([append(b, two)])
      store.add([list(a, one), absent(b)])
      store.add([absent(a), list(b, two)])
    case .predicateLongFork:
      store.add([append(a, one)])
      store.add([append(b, two)])
      store.add([scan(a..<b + 1, [a: [one]])])
      store.add([scan(a..<b + 1, [b: [two]])])
    case .writeSkew:
      store.add([absent(a), append(b, one)])
      store.add([absent(b), append(a, two)])
      store.add([list(a, two), list(b, one)])
    case .predicateWriteSkew:
      store.add([scan(a..<b + 1, [:]), append(b, one)])
      store.add([scan(a..<b + 1, [:]), append(a, two)])
      store.add([list(a, two), list(b, one)])
    case .staleRead:
      store.add([append(a, one)])
      store.run(4)
      store.add([absent(a)])
    }
  }

  @Test func `find nothing in a clean history, and edges of every kind`() throws {
    var store = Store(SplitMix(Seed.take(for: #function)))
    store.run(10_000)
    let report = try HistoryChecker(.uniform(.strictSerializable)).check(store.history)
    #expect(report.isValid && report.anomalies.isEmpty, "\(report.examples)")
    for kind in DependencyKind.allCases where kind != .process {
      #expect(report.edgeCount(kind) >= 1_000, "\(kind)")
    }
  }

  @Test func `find all kinds among ten thousand transactions`() throws {
    var generator = SplitMix(Seed.take(for: #function))
    let faults = Fault.allCases.shuffled(using: &generator)
    let places = faults.map { _ in generator.below(10_000) }.sorted()
    var store = Store(generator)
    for (number, fault) in faults.enumerated() {
      store.run(places[number] - (number == 0 ? 0 : places[number - 1]))
      Self.plant(fault, in: &store, key: 500_000 + 10 * number)
    }
    store.run(10_000 - (places.last ?? 0))
    let report = try HistoryChecker(.uniform(.strictSerializable)).check(store.history)
    for fault in faults { #expect(report.anomalies.keys.contains(fault.rawValue), "\(fault)") }
    // Nothing else was wrong: whatever is reported touches a transaction that was planted.
    let planted = store.history.transactions.indices.filter { number in
      store.history.transactions[number].operations.contains { operation in
        switch operation {
        case .append(let key, _), .read(let key, _), .scan(let key, _, _):
          (500_000..<1_000_000).contains(key)
        case .write: false
        }
      }
    }
    for anomaly in report.examples {
      #expect(!Set(planted).isDisjoint(with: anomaly.transactions), "\(anomaly)")
    }
  }

  @Test(arguments: Fault.allCases) func `find each kind`(_ fault: Fault) throws {
    var generator = SplitMix(Seed.take(for: "\(fault)"))
    let place = generator.below(300)
    var store = Store(generator)
    store.run(place)
    Self.plant(fault, in: &store, key: 500_000)
    store.run(300 - place)
    let strict = try HistoryChecker(.uniform(.strictSerializable)).check(store.history)
    let kind = try #require(
      strict.anomalies[fault.rawValue]?.kind, "\(strict.anomalies.keys)")
    for model in ConsistencyModel.allCases {
      let report = try HistoryChecker(.uniform(model)).check(store.history)
      if fault == .staleRead {
        #expect(report.isValid == (model != .strictSerializable))
      } else if model.forbids(kind) {
        #expect(!report.isValid, "\(model)")
      }
    }
  }
}
