import Foundation

/// Runs all tasks on both stores, round after round, in fresh databases.
struct RecordComparison {
  let records: Int
  let rounds: Int
  let directory: String
  let durabilities: [EngineOptions.Durability]

  private static func tasks(_ durability: EngineOptions.Durability) -> [RecordTask] {
    // The reads of records need no round of their own at full durability.
    RecordTask.order.filter { $0.writes || durability == .relaxed }
  }

  /// - Throws: what a store throws, and when both do not end with the same records.
  func run() throws -> [RecordRow] {
    var figures: [Cell: [RecordStoreKind: [RecordTrial.Found]]] = [:]
    let progress = Progress(
      (1...rounds).flatMap { _ in
        durabilities.flatMap { durability in
          Self.tasks(durability).flatMap { task in
            RecordStoreKind.allCases.map { Self.step(task, durability, $0) }
          }
        }
      })
    for round in 1...rounds {
      for durability in durabilities {
        try compare(durability, round, progress) { task, kind, found in
          figures[Cell(task: task, durability: durability), default: [:]][kind, default: []]
            .append(found)
        }
      }
    }
    progress.finish()
    return durabilities.flatMap { durability in
      RecordTask.allCases.compactMap { task in
        figures[Cell(task: task, durability: durability)].flatMap {
          RecordRow(task, durability, martlet: $0[.martlet] ?? [], grdb: $0[.grdb] ?? [])
        }
      }
    }
  }

  private struct Cell: Hashable {
    let task: RecordTask
    let durability: EngineOptions.Durability
  }

  private static func step(
    _ task: RecordTask, _ durability: EngineOptions.Durability, _ kind: RecordStoreKind
  ) -> Progress.Step {
    Progress.Step(work: "\(task.rawValue), \(durability.rawValue)", subject: kind.rawValue)
  }

  /// One round at one durability: both stores are open, and take turns task by task, so that they
  /// meet the same machine; who begins changes from task to task and from round to round.
  private func compare(
    _ durability: EngineOptions.Durability, _ round: Int, _ progress: Progress,
    _ report: (RecordTask, RecordStoreKind, RecordTrial.Found) -> Void
  ) throws {
    let amounts = RecordAmounts(records: records, durability: durability)
    var stores: [(kind: RecordStoreKind, store: any RecordStore)] = []
    for kind in RecordStoreKind.allCases {
      let folder = "\(directory)/\(kind.rawValue)-\(durability.rawValue)-\(round)"
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      stores.append((kind, try kind.open(folder, durability)))
    }
    for (number, task) in Self.tasks(durability).enumerated() {
      var checksums: [Int] = []
      for (kind, store) in (number + round).isMultiple(of: 2) ? stores : stores.reversed() {
        let trial = RecordTrial(task: task, amounts: amounts, store: store)
        try progress.run(Self.step(task, durability, kind), round: round) {
          let found = try trial.run()
          report(task, kind, found)
          checksums.append(found.checksum)
          try store.settle()
        }
      }
      guard Set(checksums).count == 1 else {
        throw BenchmarkError.trial("\(task.rawValue): the stores have read different records")
      }
    }
    let finals = try stores.map { try $0.store.all() }
    guard finals.allSatisfy({ $0.count == amounts.finalCount && $0 == finals[0] }) else {
      throw BenchmarkError.trial("the stores do not end with the same records")
    }
    for (_, store) in stores { try store.close() }
  }
}
