import Martlet
import Testing

@Suite struct InsideSamples {
  private struct Person: Codable, Identifiable, Sendable {
    var id: Int

    static let all = RecordCollection("people", of: Person.self)
  }

  private final class App {
    let database: Database

    init(_ database: Database) { self.database = database }

    // sample: ApplePlatforms
    func sceneDidEnterBackground() { try? database.suspend(within: .seconds(2)) }
    func sceneWillEnterForeground() { try? database.resume() }
    // end sample
  }

  @Test func `an app lets its database go, and takes it again`() throws {
    let database = try Database.inMemory()
    let app = App(database)
    app.sceneDidEnterBackground()
    #expect(database.isSuspended)
    app.sceneWillEnterForeground()
    #expect(!database.isSuspended)
  }

  @Test func `statistics tell what goes on`() throws {
    var output: [String] = []
    func print(_ items: Any...) { output.append(items.map { "\($0)" }.joined(separator: " ")) }
    let db = try Database.inMemory(
      configuration: Configuration(slowTransactionThreshold: .zero))
    try db.open(Schema(Person.all))
    try db.insert(Person(id: 0), into: Person.all)
    // sample: SeeingInside
    let statistics = db.statistics
    print(statistics.commits, statistics.aborts)  // ["writeConflict": 3]
    // Of commits that waited for the device.
    print(statistics.commitLatency.quantile(0.99))
    print(statistics.lockWaits, statistics.lockWaitLatency.mean)
    // Who keeps old versions in memory.
    for pin in statistics.pinningSnapshots {
      print(pin.label ?? "unnamed", pin.age, pin.pinnedBytes)
    }
    for slow in statistics.slowTransactions { print(slow.summary) }
    // end sample
    #expect(output.count > 3)

    let imported = [Person(id: 1), Person(id: 2)]
    // sample: SeeingInside
    try db.write(label: "import people") { tx in
      for person in imported { try tx.put(person, in: Person.all) }
    }
    let count = try db.read(label: "nightly report") { snapshot in
      try snapshot.count(Person.all.all)
    }
    // end sample
    #expect(count == 3)
    #expect(db.statistics.slowTransactions.contains { $0.label == "import people" })
  }
}
