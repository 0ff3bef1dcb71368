extension History {
  /// Reads a history, JSON or EDN.
  ///
  /// - Parameter progress: called every 10,000 events with the events and bytes read so far.
  /// - Throws: `HistoryError` with line, column and what was expected there.
  /// - Complexity: linear.
  public init(
    decoding bytes: [UInt8], progress: (_ events: Int, _ bytes: Int) -> Void = { _, _ in }
  ) throws(HistoryError) {
    guard let format = HistoryFormat.guess(bytes) else {
      throw HistoryError("expected a history, found nothing", line: 1, column: 1)
    }
    var decoder = HistoryDecoder(HistoryCursor(bytes, format))
    self = try decoder.decode(progress)
  }
}

/// Reads events and pairs each completion with the invocation of its process.
struct HistoryDecoder {
  private enum Kind: String { case invoke, ok, fail, info }

  private struct Event {
    var index: Int?
    var kind: Kind?
    var process: Int?
    var time = 0
    var operations: [HistoryOperation]?
    var level: ConsistencyModel?
    var concurrencyProtocol: String?
    var error: String?
    var function: String?
  }

  private var cursor: HistoryCursor
  private var transactions: [HistoryTransaction] = []
  /// The transactions that have not completed, by process.
  private var open: [Int: Int] = [:]
  private var lastIndex = -1

  init(_ cursor: HistoryCursor) { self.cursor = cursor }

  mutating func decode(_ progress: (Int, Int) -> Void) throws(HistoryError) -> History {
    var count = 0
    // EDN histories may be one vector of maps.
    let isVector = cursor.format == .edn && cursor.skip("[")
    while true {
      cursor.skipSpace()
      if isVector, cursor.skip("]") { break }
      if cursor.isAtEnd { break }
      let place = cursor.position
      try note(try event(), at: place)
      count += 1
      if count % 10_000 == 0 { progress(count, cursor.position) }
    }
    return History(transactions)
  }

  // MARK: Events

  private mutating func event() throws(HistoryError) -> Event {
    var event = Event()
    try cursor.expect("{", "an event")
    var isFirst = true
    var value: Int?
    while try cursor.goesOn(until: "}", isFirst: isFirst) {
      isFirst = false
      let name = try cursor.name("the name of a field")
      try cursor.colon()
      switch name {
      case "index": event.index = try cursor.integer("the index")
      case "type":
        cursor.skipSpace()
        let place = cursor.position
        event.kind = Kind(rawValue: try cursor.name("invoke, ok, fail or info"))
        if event.kind == nil { throw cursor.expected("invoke, ok, fail or info", at: place) }
      case "process": event.process = try process()
      case "time": event.time = try cursor.integer("the time")
      case "value":
        // What is no client may have any value; who it is may come later.
        if event.process != nil {
          event.operations = try operations()
        } else {
          value = cursor.position
          try cursor.skipValue()
        }
      case "level":
        cursor.skipSpace()
        let place = cursor.position
        event.level = ConsistencyModel(name: try cursor.name("an isolation level"))
        if event.level == nil { throw cursor.expected("an isolation level", at: place) }
      case "protocol": event.concurrencyProtocol = try cursor.name("a protocol")
      case "error": event.error = try text()
      case "f": event.function = try text()
      default: try cursor.skipValue()
      }
    }
    if let value, event.process != nil {
      let end = cursor.position
      cursor.rewind(to: value)
      event.operations = try operations()
      cursor.rewind(to: end)
    }
    return event
  }

  /// The process of an event; nil for one that is no client, such as Jepsen's `:nemesis`.
  private mutating func process() throws(HistoryError) -> Int? {
    cursor.skipSpace()
    guard cursor.current == UInt8(ascii: ":") || cursor.current == UInt8(ascii: "\"") else {
      return try cursor.integer("the process")
    }
    _ = try cursor.name("the process")
    return nil
  }

  /// A text; any other value as it stands.
  private mutating func text() throws(HistoryError) -> String {
    cursor.skipSpace()
    if cursor.current == UInt8(ascii: "\"") || cursor.current == UInt8(ascii: ":") {
      return try cursor.name("a text")
    }
    let start = cursor.position
    try cursor.skipValue()
    return String(decoding: cursor.bytes[start..<cursor.position], as: UTF8.self)
  }

  private mutating func note(_ event: Event, at place: Int) throws(HistoryError) {
    guard let kind = event.kind else {
      throw cursor.expected("an event with a type", at: place)
    }
    guard let process = event.process else { return }
    let index = event.index ?? lastIndex + 1
    guard index > lastIndex else {
      throw cursor.expected("an index above \(lastIndex), in the order of events", at: place)
    }
    lastIndex = index
    if kind == .invoke {
      guard open.updateValue(transactions.count, forKey: process) == nil else {
        throw cursor.expected("the completion of process \(process)", at: place)
      }
      // Until something else is known, nobody knows how it ended.
      transactions.append(
        HistoryTransaction(
          process: process, outcome: .info, event.operations ?? [], invocationIndex: index,
          completionIndex: nil, invocationTime: event.time, completionTime: event.time,
          level: event.level, concurrencyProtocol: event.concurrencyProtocol,
          function: event.function == "txn" ? nil : event.function))
      return
    }
    guard let number = open.removeValue(forKey: process) else {
      throw cursor.expected("an invocation of process \(process) before this", at: place)
    }
    complete(&transactions[number], event, kind, index)
  }

  private func complete(
    _ transaction: inout HistoryTransaction, _ event: Event, _ kind: Kind, _ index: Int
  ) {
    transaction.outcome = kind == .ok ? .ok : kind == .fail ? .fail : .info
    transaction.completionIndex = index
    transaction.completionTime = event.time
    if let operations = event.operations { transaction.operations = operations }
    if kind == .ok { answer(&transaction.operations) }
    transaction.level = event.level ?? transaction.level
    transaction.concurrencyProtocol = event.concurrencyProtocol ?? transaction.concurrencyProtocol
    transaction.error = event.error
  }

  /// In a commit null is an answer: the key was not there. Elsewhere nobody knows.
  private func answer(_ operations: inout [HistoryOperation]) {
    for place in operations.indices {
      if case .read(let key, nil) = operations[place] {
        operations[place] = .read(key: key, .absent)
      }
    }
  }

  // MARK: Operations

  private mutating func operations() throws(HistoryError) -> [HistoryOperation]? {
    if cursor.skipNull() { return nil }
    try cursor.expect("[", "a list of operations")
    var operations: [HistoryOperation] = []
    while try cursor.goesOn(until: "]", isFirst: operations.isEmpty) {
      operations.append(try operation())
    }
    return operations
  }

  private mutating func operation() throws(HistoryError) -> HistoryOperation {
    try cursor.expect("[", "an operation")
    cursor.skipSpace()
    let place = cursor.position
    let name = try cursor.name("append, r, w or scan")
    try cursor.comma()
    let operation: HistoryOperation
    switch name {
    case "append", "w":
      let key = try cursor.integer("a key")
      try cursor.comma()
      let value = try cursor.integer("a value")
      operation = name == "w" ? .write(key: key, value: value) : .append(key: key, value: value)
    case "r":
      let key = try cursor.integer("a key")
      try cursor.comma()
      operation = .read(key: key, try value())
    case "scan": operation = try scan()
    default: throw cursor.expected("append, r, w or scan", at: place)
    }
    try cursor.expect("]", "the end of the operation")
    return operation
  }

  /// Nil for null.
  private mutating func value() throws(HistoryError) -> HistoryValue? {
    if cursor.skipNull() { return nil }
    guard cursor.skip("[") else { return .register(try cursor.integer("a value")) }
    return .list(try cursor.integers())
  }

  private mutating func scan() throws(HistoryError) -> HistoryOperation {
    try cursor.expect("[", "the bounds of the scan")
    let lower = try cursor.integer("the lower bound")
    try cursor.comma()
    let upper = try cursor.integer("the upper bound")
    try cursor.expect("]", "the end of the bounds")
    try cursor.comma()
    if cursor.skipNull() { return .scan(lower: lower, upper: upper, nil) }
    try cursor.expect("[", "what the scan found")
    var entries: [HistoryEntry] = []
    while try cursor.goesOn(until: "]", isFirst: entries.isEmpty) {
      try cursor.expect("[", "a key and its value")
      let key = try cursor.integer("a key")
      try cursor.comma()
      entries.append(HistoryEntry(key, try value() ?? .absent))
      try cursor.expect("]", "the end of the entry")
    }
    return .scan(lower: lower, upper: upper, entries)
  }
}
