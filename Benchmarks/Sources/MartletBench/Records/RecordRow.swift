/// A row of the comparison: both figures, and how many times as fast Martlet is.
struct RecordRow: Encodable {
  let task: RecordTask
  let durability: EngineOptions.Durability
  let unit: RecordTask.Unit
  let martlet: Range
  let grdb: Range
  /// Round by round, as both ran next to each other: above one, Martlet is faster.
  let ratio: Range
  /// The same by processor time.
  let processorRatio: Range
  let target: Double?
  let isMet: Bool?

  struct Range: Encodable {
    let median: Double
    let minimum: Double
    let maximum: Double

    init(_ spread: Spread) {
      (median, minimum, maximum) = (spread.median, spread.minimum, spread.maximum)
    }

    func text(_ figure: (Double) -> String) -> (median: String, range: String) {
      (figure(median), "\(figure(minimum)) – \(figure(maximum))")
    }
  }

  /// Nil without rounds.
  init?(
    _ task: RecordTask, _ durability: EngineOptions.Durability, martlet: [RecordTrial.Found],
    grdb: [RecordTrial.Found]
  ) {
    let ratios = zip(martlet, grdb).map {
      task.unit == .microseconds ? $1.figure / $0.figure : $0.figure / $1.figure
    }
    let processorRatios = zip(martlet, grdb).map {
      $1.processorNanoseconds / $0.processorNanoseconds
    }
    guard let ours = Spread(martlet.map(\.figure)), let theirs = Spread(grdb.map(\.figure)),
      let ratio = Spread(ratios), let processorRatio = Spread(processorRatios)
    else { return nil }
    self.processorRatio = Range(processorRatio)
    self.task = task
    self.durability = durability
    unit = task.unit
    self.martlet = Range(ours)
    self.grdb = Range(theirs)
    self.ratio = Range(ratio)
    target = task.target(durability)
    isMet = target.map { ratio.median >= $0 }
  }
}
