import Environment
import Martlet
import Seeds
import Simulation

/// A seeded life of a database beside a model of it, and a consumer of its feed that reads now and
/// then and saves its token.
final class FeedLife: @unchecked Sendable {
  // SENDABLE: used by the body of one simulated run, and by its observers while it waits.

  /// Where the life stood at some moment.
  struct Moment {
    let attempted: Int
    let acknowledged: Int
    let shownCount: Int
    let token: ChangeToken?
  }

  /// What each change should tell, and the state after so many of them.
  private(set) var expected: [Told] = []
  private(set) var states: [Rows] = [[:]]
  private(set) var acknowledged = 0
  /// What the consumer was shown, and its tokens: the first from before everything.
  private(set) var shown: [Told] = []
  private(set) var tokens: [(shownCount: Int, token: ChangeToken)] = []
  private(set) var timestamps: [Timestamp] = []

  private var generator: SplitMix
  private var reader: ChangeReader?
  private var names: [KeyspaceID: String] = [:]
  private let stepCount: Int
  private let mayLose: Bool

  init(seed: UInt64, stepCount: Int, mayLose: Bool = false) {
    generator = SplitMix(seed)
    self.stepCount = stepCount
    self.mayLose = mayLose
  }

  var moment: Moment {
    Moment(
      attempted: expected.count, acknowledged: acknowledged, shownCount: shown.count,
      token: tokens.last?.token)
  }

  /// Lives.
  func run(_ db: Database, until isOver: () -> Bool = { false }) throws {
    let token = try db.changeToken()
    tokens.append((0, token))
    reader = try ChangeReader(db, from: token)
    try create(db, "plain", KeyspaceOptions())
    try create(db, "recorded", KeyspaceOptions(recordsPreviousValues: true))
    for step in 0..<stepCount where !isOver() {
      switch generator.below(40) {
      case 0: try db.checkpoint()
      case 1: try drop(db, "passing")
      case 2: try create(db, "passing", KeyspaceOptions(recordsPreviousValues: true))
      case 3: try build(db, "built \(step)")
      case 4...12: try poll()
      default: try commit(db)
      }
    }
  }

  // MARK: The consumer

  func poll() throws {
    guard let reader else { return }
    let elements: [CommittedChanges]
    do { elements = try reader.pollAll() } catch let error as DatabaseError {
      // Without retention a slow consumer may lose its place; then it has seen what it has seen.
      guard error.code == .positionLost, mayLose else { throw error }
      self.reader = nil
      return
    }
    for element in elements {
      timestamps.append(element.timestamp)
      if !element.isEmpty { shown.append(Self.told(element, &names)) }
      tokens.append((shown.count, element.token))
    }
  }

  /// What elements say, with names instead of numbers. Any number of threads may ask after the life.
  func told(_ elements: [CommittedChanges]) -> [Told] {
    var names = names
    return elements.filter { !$0.isEmpty }.map { Self.told($0, &names) }
  }

  private static func told(_ element: CommittedChanges, _ names: inout [KeyspaceID: String]) -> Told
  {
    for event in element.keyspaceEvents { names[event.keyspace] = event.name }
    return Told(
      events: element.keyspaceEvents.map { "\($0.kind) \($0.name)" },
      writes: element.changes.map {
        Told.Write(
          keyspace: names[$0.keyspace] ?? "?", key: $0.key, new: $0.newValue, old: $0.oldValue)
      })
  }

  // MARK: Changes

  private func change(
    _ told: Told, _ state: Rows, isDurable: Bool = true, by body: () throws -> Void
  ) throws {
    expected.append(told)
    states.append(state)
    do {
      try body()
      if isDurable { acknowledged = expected.count }
    } catch let error as DatabaseError {
      if error.code != .commitUnknown {
        expected.removeLast()
        states.removeLast()
      }
      throw error
    }
  }

  private var state: Rows { states[states.count - 1] }

  private func create(_ db: Database, _ name: String, _ options: KeyspaceOptions) throws {
    guard state[name] == nil else { return }
    var next = state
    next[name] = [:]
    try change(Told(events: ["created \(name)"]), next) {
      let keyspace = try db.keyspace(name, options: options)
      names[keyspace.id] = name
    }
  }

  private func drop(_ db: Database, _ name: String) throws {
    guard state[name] != nil else { return }
    var next = state
    next[name] = nil
    try change(Told(events: ["dropped \(name)"]), next) { try db.dropKeyspace(name) }
  }

  private func build(_ db: Database, _ name: String) throws {
    var next = state
    next[name] = [:]
    for number in 100..<140 { next[name]?[Array("\(number)".utf8)] = Array("row".utf8) }
    try change(Told(events: ["built \(name)"]), next) {
      let keyspace = try db.build(name) { (builder: inout KeyspaceBuilder) in
        for number in 100..<140 { try builder.append("\(number)", "row") }
      }
      names[keyspace.id] = name
    }
  }

  private func commit(_ db: Database) throws {
    let choices = state.keys.sorted()
    var next = state
    var told: [String: [[UInt8]: (new: ChangedValue, old: ChangedValue)]] = [:]
    var writes: [(keyspace: Keyspace, key: [UInt8], value: [UInt8]?)] = []
    for _ in 0..<generator.below(5) + 1 {
      let name = choices[generator.below(choices.count)]
      guard let keyspace = try db.existingKeyspace(name) else { continue }
      let key = Array("key \(generator.below(30))".utf8)
      // A value of more than a kilobyte is a large one at pages of four.
      let byteCount = generator.below(6) == 0 ? 3000 + generator.below(9000) : generator.below(700)
      let value: [UInt8]? =
        generator.below(4) == 0
        ? nil : (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      let old = state[name]?[key].map(ChangedValue.bytes) ?? .absent
      next[name]?[key] = value
      told[name, default: [:]][key] = (
        value.map(ChangedValue.bytes) ?? .absent,
        keyspace.options.recordsPreviousValues ? old : .unrecorded
      )
      writes.append((keyspace, key, value))
    }
    let ids = Dictionary(writes.map { ($0.keyspace.name, $0.keyspace.id) }) {
      first, _ in first
    }
    let ordered = told.sorted { (ids[$0.key]?.rawValue ?? 0) < (ids[$1.key]?.rawValue ?? 0) }
      .flatMap { name, keys in
        keys.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map {
          Told.Write(keyspace: name, key: $0.key, new: $0.value.new, old: $0.value.old)
        }
      }
    guard !ordered.isEmpty else { return }
    let isRelaxed = generator.below(3) == 0
    try change(Told(writes: ordered), next, isDurable: !isRelaxed) {
      try db.write(durability: isRelaxed ? .relaxed : nil) { transaction in
        for write in writes {
          if let value = write.value {
            try transaction.set(value, for: write.key, in: write.keyspace)
          } else {
            try transaction.remove(write.key, in: write.keyspace)
          }
        }
      }
    }
  }
}
