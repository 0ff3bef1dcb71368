import Environment
import Martlet
import Simulation
import Testing
import Verification

/// The power fails, or a call does, while a schema is opened and while records are written.
@Suite(.serialized) struct `When the power fails` {
  static let seed: UInt64 = 7
  static let configuration = CrashSession.smallConfiguration

  /// In debug builds every so many changes are cuts.
  static var stride: Int {
    #if DEBUG
      5
    #else
      1
    #endif
  }

  static let migration = Migration(
    "everybody is a year older", rewriting: Person.all, from: Person.bare
  ) { old in
    var person = old
    person.age += 1
    return person
  }

  /// Records and no index, on a disk of its own.
  private func prepared(_ count: Int) throws -> DiskImage {
    let simulator = Simulator(seed: Self.seed)
    return try simulator.run { effects in
      let database = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      try database.open(Person.bare)
      for start in Swift.stride(from: 0, to: count, by: 50) {
        try database.write { tx in
          for id in start..<start + 50 {
            try tx.insert(Person(id, email: "e\(id)", age: 0, tags: ["t"]), into: Person.bare)
          }
        }
      }
      try database.close()
      return simulator.disk.snapshot
    }
  }

  /// The images of the disk after each change that `body` makes.
  private func images(
    of body: @escaping @Sendable (Database) throws -> Void, on disk: DiskImage
  ) throws -> [DiskImage] {
    let simulator = Simulator(seed: Self.seed, disk: disk)
    var images: [DiskImage] = []
    try simulator.run { effects in
      let database = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      simulator.disk.observeChanges { [disk = simulator.disk] _ in images.append(disk.snapshot) }
      try body(database)
      simulator.disk.observeChanges(nil)
      try database.close()
    }
    return images
  }

  /// Opens what every cut leaves, and looks at it.
  private func forEachCut(
    _ images: [DiskImage], every stride: Int = stride,
    _ check: @escaping @Sendable (Database) throws -> Void
  ) throws {
    #expect(images.count > 10)
    for (change, image) in images.enumerated() where change % stride == 0 {
      for model in LossModel.allCases {
        let simulator = Simulator(
          seed: Self.seed, disk: image.afterPowerCut(model, seed: UInt64(change)))
        try simulator.run { effects in
          let database = try Database(
            at: "/db", configuration: Self.configuration, effects: effects)
          do { try check(database) } catch {
            Issue.record("change \(change), \(model): \(error)")
          }
          try database.close()
        }
      }
    }
  }

  @Test func `in the middle of an index build, opening again completes it`() throws {
    let images = try images(of: { try $0.open(Person.all) }, on: prepared(300))
    try forEachCut(images) { database in
      try database.open(Person.all)
      let report = try database.verify()
      #expect(report.isClean, "\(report.findings.prefix(3))")
      #expect(report.indexEntryCount == 1500)
      #expect(try database.count(Person.all.where(Person.byEmail.all)) == 300)
      // Nothing is left of what was begun.
      #expect(database.keyspaceNames.filter { $0.hasPrefix("martlet/index/") }.count == 5)
    }
  }

  /// The story: the records were gone and the indexes were not, and led to none.
  @Test func `while a collection is dropped, what is left of it is whole`() throws {
    let simulator = Simulator(seed: Self.seed, disk: try prepared(20))
    let disk = try simulator.run { effects in
      let database = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      try database.open(Person.all)
      try database.close()
      return simulator.disk.snapshot
    }
    let images = try images(of: { try $0.dropCollection("people") }, on: disk)
    try forEachCut(images, every: 1) { database in
      try database.open(Person.all)
      let count = try database.count(Person.all.all)
      #expect(try database.count(Person.all.where(Person.byName.all)) == count)
      let report = try database.verify()
      #expect(report.isClean, "\(report.findings.prefix(3))")
    }
  }

  @Test func `in the middle of a migration, no record is changed twice`() throws {
    let schema = Schema(Person.all, migrations: [Self.migration])
    let images = try images(of: { try $0.open(schema) }, on: prepared(600))
    try forEachCut(images) { database in
      // An application that does not know the migration is refused once it has begun.
      var isRefused = false
      do { try database.open(Person.bare) } catch let error as DatabaseError {
        #expect(error.code == .newerSchema)
        isRefused = true
      }
      try database.open(schema)
      let ages = try database.fetch(Person.all).map(\.age)
      #expect(ages == Array(repeating: 1, count: 600), "refused before: \(isRefused)")
      #expect(try database.verify().isClean)
    }
  }

  @Test func `while records are written, each is there with its entries or not at all`() throws {
    let images = try images(
      of: { database in
        try database.open(Person.all)
        for round in 0..<12 {
          try database.write(durability: round % 2 == 0 ? .full : .relaxed) { tx in
            for id in 0..<8 {
              let id = round * 4 + id
              try tx.put(
                Person(id, email: "n\(id)", city: "C\(round)", age: round, tags: ["a", "b"]),
                in: Person.all)
            }
            try tx.delete(round * 4, from: Person.all)
          }
        }
      }, on: prepared(50))
    try forEachCut(images) { database in
      try database.open(Person.all)
      let report = try database.verify()
      #expect(report.isClean, "\(report.findings.prefix(3))")
    }
  }

  @Test func `or a call does, opening throws and the next opening completes`() throws {
    let disk = try prepared(100)
    let schema = Schema(Person.all, migrations: [Self.migration])
    var failures = 0
    for call in 1..<60 {
      let simulator = Simulator(seed: Self.seed, disk: disk)
      try simulator.run { effects in
        let database = try Database(at: "/db", configuration: Self.configuration, effects: effects)
        simulator.disk.inject(
          Fault(.fails(Fault.inputOutput), on: [.read, .write, .sync], .once(at: call)))
        do { try database.open(schema) } catch {
          #expect(error is DatabaseError, "\(error)")
          failures += 1
        }
        simulator.disk.removeFaults()
        try? database.close()
        let again = try Database(at: "/db", configuration: Self.configuration, effects: effects)
        try again.open(schema)
        let ages = try again.fetch(Person.all).map(\.age)
        #expect(ages == Array(repeating: 1, count: 100), "call \(call)")
        #expect(try again.verify().isClean, "call \(call)")
        try again.close()
      }
    }
    #expect(failures > 5)
  }
}
