extension History {
  /// Writes the history down, an event on each line, in the order of events.
  ///
  /// - Parameter emit: receives the text, a few thousand bytes at a time.
  public func encode(
    as format: HistoryFormat, emit: (_ bytes: [UInt8]) throws -> Void
  ) rethrows {
    var events: [(index: Int, transaction: Int, isCompletion: Bool)] = []
    events.reserveCapacity(2 * transactions.count)
    for (number, transaction) in transactions.enumerated() {
      events.append((transaction.invocationIndex, number, false))
      if let completion = transaction.completionIndex { events.append((completion, number, true)) }
    }
    events.sort { $0.index < $1.index }
    var encoder = HistoryEncoder(format: format)
    for event in events {
      encoder.append(transactions[event.transaction], isCompletion: event.isCompletion)
      if encoder.bytes.count > 60_000 {
        try emit(encoder.bytes)
        encoder.bytes.removeAll(keepingCapacity: true)
      }
    }
    if !encoder.bytes.isEmpty { try emit(encoder.bytes) }
  }

  /// The history as bytes, an event on each line.
  public func encoded(as format: HistoryFormat = .json) -> [UInt8] {
    var bytes: [UInt8] = []
    encode(as: format) { bytes += $0 }
    return bytes
  }
}

/// Writes events in either spelling.
struct HistoryEncoder {
  let format: HistoryFormat
  var bytes: [UInt8] = []

  init(format: HistoryFormat) { self.format = format }

  /// An invocation shows what was asked; a completion that committed also what was answered.
  mutating func append(_ transaction: HistoryTransaction, isCompletion: Bool) {
    bytes += "{".utf8
    let index =
      isCompletion ? transaction.completionIndex ?? 0 : transaction.invocationIndex
    field("index", first: true)
    integer(index)
    field("type")
    word(isCompletion ? transaction.outcome.rawValue : "invoke")
    field("process")
    integer(transaction.process)
    field("time")
    integer(isCompletion ? transaction.completionTime : transaction.invocationTime)
    if format == .edn || transaction.function != nil {
      field("f")
      word(transaction.function ?? "txn")
    }
    if let level = transaction.level {
      field("level")
      word(level.rawValue)
    }
    if let concurrencyProtocol = transaction.concurrencyProtocol {
      field("protocol")
      word(concurrencyProtocol)
    }
    if isCompletion, let error = transaction.error {
      field("error")
      quoted(error)
    }
    field("value")
    let showsAnswers = isCompletion && transaction.outcome == .ok
    list(transaction.operations) { encoder, operation in
      encoder.append(operation, showsAnswer: showsAnswers)
    }
    bytes += "}\n".utf8
  }

  private mutating func append(_ operation: HistoryOperation, showsAnswer: Bool) {
    bytes += "[".utf8
    switch operation {
    case .append(let key, let value):
      word("append")
      comma()
      integers(key, value)
    case .write(let key, let value):
      word("w")
      comma()
      integers(key, value)
    case .read(let key, let value):
      word("r")
      comma()
      integer(key)
      comma()
      self.value(showsAnswer ? value : nil)
    case .scan(let lower, let upper, let entries):
      word("scan")
      comma()
      bytes += "[".utf8
      integers(lower, upper)
      bytes += "]".utf8
      comma()
      guard showsAnswer, let entries else {
        null()
        break
      }
      list(entries) { encoder, entry in
        encoder.bytes += "[\(entry.key)".utf8
        encoder.comma()
        encoder.value(entry.value)
        encoder.bytes += "]".utf8
      }
    }
    bytes += "]".utf8
  }

  private mutating func value(_ value: HistoryValue?) {
    switch value {
    case .absent, nil: null()
    case .register(let value): integer(value)
    case .list(let elements):
      list(elements) { encoder, element in encoder.integer(element) }
    }
  }

  // MARK: Spelling

  private mutating func list<Element>(
    _ elements: [Element], _ body: (inout Self, Element) -> Void
  ) {
    bytes += "[".utf8
    for (index, element) in elements.enumerated() {
      if index > 0 { comma() }
      body(&self, element)
    }
    bytes += "]".utf8
  }

  private mutating func integers(_ first: Int, _ second: Int) {
    integer(first)
    comma()
    integer(second)
  }

  /// Digits without a string: lists make up nearly all of a history.
  private mutating func integer(_ value: Int) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    var rest = value.magnitude
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  private mutating func null() { bytes += (format == .json ? "null" : "nil").utf8 }

  private mutating func comma() { bytes += (format == .json ? "," : " ").utf8 }

  private mutating func field(_ name: String, first: Bool = false) {
    if !first { bytes += (format == .json ? "," : ", ").utf8 }
    bytes += (format == .json ? "\"\(name)\":" : ":\(name) ").utf8
  }

  private mutating func word(_ word: String) {
    if format == .json { quoted(word) } else { bytes += ":\(word)".utf8 }
  }

  private mutating func quoted(_ text: String) {
    bytes += "\"".utf8
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0x0A: bytes += "\\n".utf8
      default: bytes.append(byte < 0x20 ? 0x20 : byte)
      }
    }
    bytes += "\"".utf8
  }
}
