/// The forms of input that `load` reads.
package enum InputFormat: String, CaseIterable, Sendable {
  case tsv
  case csv
  case jsonl

  /// The form that a file's name tells; nil when it tells none.
  package init?(fileName: String) {
    switch fileName.split(separator: ".").last?.lowercased() {
    case "tsv", "tab": self = .tsv
    case "csv": self = .csv
    case "jsonl", "ndjson": self = .jsonl
    default: return nil
    }
  }
}

/// A column of a table, or a field of a JSON object.
package enum Column: Equatable, Sendable {
  /// Counted from 1.
  case number(Int)
  case name(String)

  /// Digits are a number, anything else is a name.
  package init(_ text: String) {
    if let number = Int(text), number > 0 { self = .number(number) } else { self = .name(text) }
  }
}

extension Column: CustomStringConvertible {
  package var description: String {
    switch self {
    case .number(let number): String(number)
    case .name(let name): name
    }
  }
}

/// How the records of an input become keys and values.
package struct InputLayout: Sendable {
  package var format: InputFormat
  package var key: Column
  /// The column that is the value; nil takes all the others together.
  package var value: Column?
  /// Whether the first record names the columns. A column given by name implies it.
  package var hasHeader: Bool
  /// What separates the fields of CSV.
  package var delimiter: UInt8
  /// Whether backslashes in TSV stand for themselves.
  package var backslashesAreLiteral: Bool

  package init(
    format: InputFormat, key: Column, value: Column? = nil, hasHeader: Bool = false,
    delimiter: UInt8 = 0x2C, backslashesAreLiteral: Bool = false
  ) {
    self.format = format
    self.key = key
    self.value = value
    self.delimiter = delimiter
    self.backslashesAreLiteral = backslashesAreLiteral
    var namesColumn = false
    for case .name in [key, value] { namesColumn = true }
    self.hasHeader = hasHeader || (namesColumn && format != .jsonl)
  }
}

/// A key, its value, and the line it comes from.
package struct Row: Equatable, Sendable {
  package var line: Int
  package var key: [UInt8]
  package var value: [UInt8]

  package init(line: Int, key: [UInt8], value: [UInt8]) {
    self.line = line
    self.key = key
    self.value = value
  }
}
