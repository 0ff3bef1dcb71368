/// What is measured in the comparison with GRDB, in the order of the report.
enum RecordTask: String, CaseIterable, Codable, Sendable {
  case insertOne = "insert one by one"
  case insertBulk = "insert in bulk"
  case fetchByID = "fetch by id"
  case fetchByIDTogether = "fetch by id, 100 to a read"
  case fetchByIndex = "fetch by index"
  case fetchAll = "fetch all and decode"
  case updateField = "update one field"
  case insertConcurrently = "8 concurrent writers"
  case liveQuery = "commit to live value"

  /// In the order in which a round does them: what is inserted in bulk is what others read.
  static let order: [RecordTask] = [
    .insertBulk, .fetchByID, .fetchByIDTogether, .fetchByIndex, .fetchAll, .insertOne,
    .updateField, .insertConcurrently, .liveQuery,
  ]

  /// Whether it depends on what a commit waits for. What only reads is measured once, as relaxed.
  var writes: Bool {
    switch self {
    case .insertOne, .insertBulk, .updateField, .insertConcurrently, .liveQuery: true
    case .fetchByID, .fetchByIDTogether, .fetchByIndex, .fetchAll: false
    }
  }

  /// What a figure counts.
  var unit: Unit {
    switch self {
    case .fetchByIndex: .queriesPerSecond
    case .liveQuery: .microseconds
    default: .recordsPerSecond
    }
  }

  /// How many times GRDB's speed is wanted; nil where nothing is promised.
  func target(_ durability: EngineOptions.Durability) -> Double? {
    switch durability {
    case .relaxed: 3
    case .full: self == .insertConcurrently ? nil : 1.3
    }
  }

  enum Unit: String, Codable, Sendable {
    case recordsPerSecond = "records/s"
    case queriesPerSecond = "queries/s"
    /// The median of single ones: less is better.
    case microseconds = "µs"
  }
}
