import ConcurrencyControl
import Martlet
import Primitives
import Seeds
import Testing

@Suite struct `An interval index` {
  @Test func `finds exactly the intervals that contain a key`() throws {
    let seed = Seed.take(for: "interval index")
    var random = SplitMix(seed)
    for _ in 0..<40 {
      var index = IntervalIndex()
      var model: [(interval: KeyInterval, observer: ObserverID)] = []
      var ledger = ObservationLedger()
      let observers = (0..<8).map { _ in ledger.admit() }
      for _ in 0..<200 {
        if model.isEmpty || random.below(3) > 0 {
          let lower = random.key()
          let upper = random.below(5) == 0 ? nil : lower + [UInt8(random.below(4))]
          let interval = KeyInterval(keyspace: KeyspaceID(1), lower: lower, upper: upper)
          let observer = observers[random.below(observers.count)]
          index.insert(interval, observer)
          model.append((interval, observer))
        } else {
          let entry = model.remove(at: random.below(model.count))
          index.remove(entry.interval, entry.observer)
        }
        #expect(index.count == model.count)
        let key = random.key()
        var found: [ObserverID] = []
        let bytes = unsafe key.span.bytes
        index.forEachObserver(of: bytes) { found.append($0) }
        let expected = model.filter { $0.interval.contains(bytes) }.map(\.observer)
        #expect(found.sorted() == expected.sorted(), "seed \(seed), key \(key)")
      }
    }
  }
}

extension SplitMix {
  /// A short key of few letters.
  fileprivate mutating func key() -> [UInt8] {
    (0..<below(4)).map { _ in UInt8(below(4)) }
  }
}
