/// Reads keys and values from an input, record by record.
///
/// The value of a table's record is one column, or, without a choice, all the others: a JSON
/// object of text when a header names them, else the fields as TSV (a single other column is
/// taken as it stands, so that the output of `scan` loads back). The value of a JSON line is
/// the line, or one of its fields: the text of a string, any other value as JSON.
package struct RowReader {
  package private(set) var source: ByteSource
  private let layout: InputLayout
  private var tabs: TabSeparatedReader
  private var commas: CommaSeparatedReader
  private var line = 0
  /// The places of key and value, and the names of the columns, once the first record is read.
  private var table: Table?

  private struct Table {
    var names: [String]?
    var columnCount: Int
    var key: Int
    var value: Int?
  }

  package init(source: ByteSource, layout: InputLayout) {
    self.source = source
    self.layout = layout
    tabs = TabSeparatedReader(backslashesAreLiteral: layout.backslashesAreLiteral)
    commas = CommaSeparatedReader(delimiter: layout.delimiter)
  }

  /// The next row; nil at the end.
  ///
  /// - Throws: `ToolError` with the input's name and the line.
  package mutating func next() throws -> Row? {
    layout.format == .jsonl ? try nextObject() : try nextRecord()
  }

  /// Up to `limit` rows of up to `byteLimit` bytes together, at least one; empty at the end.
  package mutating func batch(limit: Int, byteLimit: Int) throws -> [Row] {
    var rows: [Row] = []
    var byteCount = 0
    while rows.count < limit, byteCount < byteLimit, let row = try next() {
      byteCount += row.key.count + row.value.count
      rows.append(row)
    }
    return rows
  }

  // MARK: Tables

  private mutating func record() throws -> Record? {
    switch layout.format {
    case .csv: try commas.next(from: &source)
    case .tsv, .jsonl: try tabs.next(from: &source)
    }
  }

  private mutating func nextRecord() throws -> Row? {
    guard var record = try record() else { return nil }
    if table == nil {
      table = try makeTable(first: record)
      if layout.hasHeader {
        guard let next = try self.record() else { return nil }
        record = next
      }
    }
    guard let table else { return nil }
    guard record.fields.count == table.columnCount else {
      throw source.error(
        line: record.line,
        "\(columns(record.fields.count)) where the first line has \(table.columnCount)")
    }
    return Row(
      line: record.line, key: record.fields[table.key], value: try value(of: record, in: table))
  }

  private func value(of record: Record, in table: Table) throws -> [UInt8] {
    if let column = table.value { return record.fields[column] }
    var others = record.fields
    others.remove(at: table.key)
    var output: [UInt8] = []
    if var names = table.names {
      names.remove(at: table.key)
      var members: [JSON.Member] = []
      for (name, field) in zip(names, others) {
        guard let text = String(validating: field, as: UTF8.self) else {
          throw source.error(line: record.line, "column \(name) is not UTF-8")
        }
        members.append(JSON.Member(name, .string(text)))
      }
      JSON.object(members).append(to: &output)
    } else if others.count == 1 {
      output = others[0]
    } else {
      TabSeparated.append(record: others, to: &output)
      output.removeLast()
    }
    return output
  }

  private func makeTable(first: Record) throws -> Table {
    var names: [String]?
    if layout.hasHeader {
      names = try first.fields.map { field in
        guard let name = String(validating: field, as: UTF8.self) else {
          throw source.error(line: first.line, "the header is not UTF-8")
        }
        return name
      }
      if let names, Set(names).count != names.count {
        throw source.error(line: first.line, "the header names a column twice")
      }
    }
    func place(of column: Column, _ role: String) throws -> Int {
      switch column {
      case .number(let number) where number <= first.fields.count: return number - 1
      case .number(let number):
        throw source.error(
          line: first.line,
          "\(columns(first.fields.count)), the \(role) was to be column \(number)")
      case .name(let name):
        if let place = names?.firstIndex(of: name) { return place }
        throw source.error(line: first.line, "the header has no column named \(name)")
      }
    }
    return Table(
      names: names, columnCount: first.fields.count, key: try place(of: layout.key, "key"),
      value: try layout.value.map { try place(of: $0, "value") })
  }

  private func columns(_ count: Int) -> String { count == 1 ? "1 column" : "\(count) columns" }

  // MARK: JSON lines

  private mutating func nextObject() throws -> Row? {
    var bytes: [UInt8] = []
    repeat {
      bytes.removeAll(keepingCapacity: true)
      guard try source.appendLine(to: &bytes) else { return nil }
      line += 1
      if bytes.last == 0x0D { bytes.removeLast() }
    } while bytes.isEmpty
    let object: JSON
    do {
      object = try JSON(parsing: bytes)
    } catch {
      throw source.error(line: line, error.description)
    }
    guard case .object = object else {
      throw source.error(line: line, "\(object.kind) where a JSON object is needed")
    }
    let key: [UInt8]
    switch try field(layout.key, of: object) {
    case .string(let text): key = Array(text.utf8)
    case .integer(let number): key = Array(String(number).utf8)
    case let other:
      throw source.error(line: line, "the key is \(other.kind); a string or an integer can be one")
    }
    guard let column = layout.value else { return Row(line: line, key: key, value: bytes) }
    let value = try field(column, of: object)
    if case .string(let text) = value { return Row(line: line, key: key, value: Array(text.utf8)) }
    return Row(line: line, key: key, value: Array(value.text.utf8))
  }

  private func field(_ column: Column, of object: JSON) throws -> JSON {
    let name = column.description
    if let value = object[name: name] { return value }
    throw source.error(line: line, "there is no field \"\(name)\"")
  }
}
