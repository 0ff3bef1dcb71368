import MartletCommands
import RawBytes

extension FuzzTarget {
  /// A file for `load` under any layout. The first bytes choose the layout; the rows do not depend
  /// on how the bytes come in; TSV and JSON give back what they were made from.
  package static let load = FuzzTarget(
    "load", summary: "a CSV, TSV or JSON lines file under a layout of its choice",
    maximumByteCount: 4096, seeds: TextSeeds.files
  ) { input in
    var tape = ByteTape(input)
    let layout = tape.layout()
    let chunk = 1 + tape.number(below: 64)
    let bytes = tape.rest()
    let whole = rows(of: bytes, layout, chunk: max(bytes.count, 1))
    let pieces = rows(of: bytes, layout, chunk: chunk)
    require(whole == pieces, "rows that depend on how the bytes come in")
    if case .success(let rows) = whole { checkTabSeparated(rows) }
    checkJSON(bytes)
  }
}

extension ByteTape {
  /// A layout that the command line could ask for.
  fileprivate mutating func layout() -> InputLayout {
    let choices = byte()
    let formats = InputFormat.allCases
    func column(_ choice: UInt8) -> Column {
      [.number(1), .number(2), .number(3), .name("id")][Int(choice & 3)]
    }
    return InputLayout(
      format: formats[Int(choices & 15) % formats.count],
      key: column(choices >> 4), value: choices & 64 != 0 ? column(byte()) : nil,
      hasHeader: choices & 128 != 0, delimiter: [0x2C, 0x3B, 0x09, 0x22][number(below: 4)],
      backslashesAreLiteral: byte() & 1 != 0)
  }
}

/// What a file held, or what was said about it.
private enum Outcome: Equatable {
  case success([Row])
  case failure(String)
}

private func rows(of bytes: [UInt8], _ layout: InputLayout, chunk: Int) -> Outcome {
  var position = 0
  let source = ByteSource(name: "fuzz", byteCount: bytes.count) {
    defer { position = min(position + chunk, bytes.count) }
    return Array(bytes[position..<min(position + chunk, bytes.count)])
  }
  var reader = RowReader(source: source, layout: layout)
  var rows: [Row] = []
  do {
    while case let batch = try reader.batch(limit: 7, byteLimit: 1 << 10), !batch.isEmpty {
      rows += batch
      require(rows.count <= bytes.count + 1, "more rows than bytes")
    }
    return .success(rows)
  } catch let error as ToolError {
    return .failure(error.description)
  } catch {
    violated("an untyped error of an input: \(error)")
  }
}

/// What `scan` would print of the rows loads back as the same keys and values.
private func checkTabSeparated(_ rows: [Row]) {
  var output: [UInt8] = []
  for row in rows { TabSeparated.append(record: [row.key, row.value], to: &output) }
  // A byte order mark that begins a key would be taken for one of the file.
  guard !output.starts(with: [0xEF, 0xBB, 0xBF]) else { return }
  let layout = InputLayout(format: .tsv, key: .number(1), value: .number(2))
  guard case .success(let again) = Fuzzing.rows(of: output, layout, chunk: 11) else {
    violated("TSV that does not read back")
  }
  require(
    again.map(\.key) == rows.map(\.key) && again.map(\.value) == rows.map(\.value),
    "TSV that reads back as something else")
}

private func checkJSON(_ bytes: [UInt8]) {
  for line in bytes.split(separator: 0x0A).prefix(8) {
    guard let value = try? JSON(parsing: line) else { continue }
    let text = value.text
    guard let again = try? JSON(parsing: text) else { violated("JSON that does not read back") }
    require(again == value && again.text == text, "JSON that reads back as something else")
  }
}
