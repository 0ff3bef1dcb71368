/// The six mixtures of the Yahoo! Cloud Serving Benchmark (Cooper, Silberstein, Tam, Ramakrishnan,
/// Sears: Benchmarking Cloud Serving Systems with YCSB, SoCC 2010), as requests of threads.
///
/// - Which records are popular has nothing to do with the order of their keys ("scrambled"): item
///   `i` is the record at place `i` of a shuffled order, and so inserted records land anywhere.
/// - An update writes what depends on its record alone, and a read-modify-write adds: the final
///   state is the same in whatever order threads come.
/// - What a thread reads of inserted records it inserted itself, so that all it asks for is there.
struct MixedRequests: Sendable {
  enum Mixture: String, Codable, CaseIterable, Sendable {
    case a, b, c, d, e, f

    /// Of a hundred requests, how many change something.
    var changesInHundred: Int {
      switch self {
      case .a, .f: 50
      case .b, .d, .e: 5
      case .c: 0
      }
    }

    var inserts: Bool { self == .d || self == .e }
  }

  private static let longestScan = 100

  let streams: [RequestStream]
  /// The records that are there before, in ascending order of their keys.
  let loaded: [Int]
  /// Every step of every thread.
  let steps: [Dataset.Step]

  /// How many of `count` requests of all threads insert a record: data sets need room for them.
  static func insertCount(_ mixture: Mixture, requests count: Int, threads: Int) -> Int {
    guard mixture.inserts else { return 0 }
    return threads * (0..<count / threads).filter { isChange($0, mixture) }.count
  }

  /// Inserts come at regular places, so that their number is known.
  private static func isChange(_ place: Int, _ mixture: Mixture) -> Bool {
    (place + 1) % (100 / mixture.changesInHundred) == 0
  }

  /// - Parameter dataset: `insertCount` records more than are loaded.
  init(_ mixture: Mixture, _ dataset: Dataset, requests count: Int, threads: Int) {
    let inserts = Self.insertCount(mixture, requests: count, threads: threads)
    let order = dataset.shuffledOrder
    let loadedCount = dataset.recordCount - inserts
    let popularity = ZipfianDistribution(bound: loadedCount)
    var streams: [RequestStream] = []
    var steps: [Dataset.Step] = []
    for thread in 0..<threads {
      var generator = SeededGenerator(seed: dataset.streamSeed(thread))
      var stream = RequestStream()
      var insertedByThread = 0
      for place in 0..<count / threads {
        let popular = order[popularity.rank(using: &generator)]
        let isChange =
          mixture.inserts
          ? Self.isChange(place, mixture)
          : Int.random(in: 0..<100, using: &generator) < mixture.changesInHundred
        switch (mixture, isChange) {
        case (.a, true), (.b, true), (.c, true):
          stream.append(.write, dataset.records(of: CollectionOfOne(popular), version: 1))
        case (.f, true):
          let step = Dataset.Step(record: popular, amount: UInt64(place + 1))
          steps.append(step)
          stream.append(.change, dataset.packed(CollectionOfOne(step)))
        case (.d, true), (.e, true):
          let item = loadedCount + thread + insertedByThread * threads
          insertedByThread += 1
          stream.append(.write, dataset.records(of: CollectionOfOne(order[item])))
        case (.d, false):
          // The newest are the most popular: ranks count from the end.
          let rank = popularity.rank(using: &generator)
          let item =
            rank < insertedByThread
            ? loadedCount + thread + (insertedByThread - 1 - rank) * threads
            : loadedCount - 1 - (rank - insertedByThread)
          stream.append(.read, dataset.keys(of: CollectionOfOne(order[item])))
        case (.e, false):
          let limit = Int.random(in: 1...Self.longestScan, using: &generator)
          stream.append(.scan, dataset.keys(of: CollectionOfOne(popular)), limit: limit)
        case (.a, false), (.b, false), (.c, false), (.f, false):
          stream.append(.read, dataset.keys(of: CollectionOfOne(popular)))
        }
      }
      streams.append(stream)
    }
    self.streams = streams
    self.steps = steps
    loaded = order.prefix(loadedCount).sorted()
  }
}
