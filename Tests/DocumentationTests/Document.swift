import Foundation

/// A file that shows Swift code to people: an article, the comments of a source, or a code file of the
/// tutorial, which is one block.
struct Document {
  /// What samples call it.
  let name: String
  /// Its path from the root.
  let path: String
  /// What stands before each line of code: nothing, or a comment's slashes.
  private let kind: Kind

  private enum Kind { case article, comments, code }

  /// A block of code.
  struct Block {
    let language: String
    let lines: [String]
    /// The lines of the file that it stands in, between the fences.
    let range: Range<Int>
    /// What each of them begins with.
    let margin: String

    /// The modules that it imports at its head, and what follows.
    var parts: (imports: [String], code: [String]) {
      let code = lines.drop { $0.hasPrefix("import ") || $0.isEmpty }
      let imports = lines[..<code.startIndex].filter { !$0.isEmpty }
        .map { String($0.dropFirst("import ".count)) }
      return (imports, Array(code))
    }
  }

  /// Every document of the package.
  static func all() throws -> [Document] {
    let catalog = "Sources/Martlet/Martlet.docc"
    let sources = try ["Martlet", "KeyCoding", "RecordCoding", "Primitives"].flatMap {
      try Samples.files(in: "Sources/\($0)", endingIn: "swift")
    }
    return [Document("README.md", .article)]
      + (try Samples.files(in: catalog, endingIn: "md")).map { Document($0, .article) }
      + sources.map { Document($0, $0.hasPrefix(catalog) ? .code : .comments) }
  }

  private init(_ path: String, _ kind: Kind) {
    self.path = path
    self.kind = kind
    let file = String(path.split(separator: "/").last ?? "")
    name = kind == .article ? String(file.dropLast(".md".count)) : file
  }

  /// Its blocks of code, in order.
  func blocks() throws -> [Block] {
    let lines = try Samples.text(of: path).lines
    guard kind != .code else {
      return [
        Block(
          language: "swift", lines: lines.withoutIndentation, range: 0..<lines.count, margin: "")
      ]
    }
    var blocks: [Block] = []
    var open: (language: String, line: Int, margin: String)?
    for (index, line) in lines.enumerated() {
      let slashes = line.prefixMatch(of: /\s*\/\/\/ ?/).map { String($0.output) }
      if kind == .comments, slashes == nil { continue }
      let margin = kind == .comments ? slashes ?? "" : String(line.prefix { $0 == " " })
      let rest = line.dropFirst(margin.count)
      guard rest.hasPrefix("```") else { continue }
      if let fence = open {
        let inside = fence.line + 1..<index
        let code = lines[inside].map { line in
          line.hasPrefix(fence.margin) ? String(line.dropFirst(fence.margin.count)) : ""
        }
        blocks.append(
          Block(
            language: fence.language, lines: code.withoutIndentation, range: inside,
            margin: fence.margin))
        open = nil
      } else {
        open = (String(rest.dropFirst(3)), index, margin)
      }
    }
    if let open { throw Samples.Malformed(place: "\(path):\(open.line + 1): no end of the block") }
    return blocks
  }

  /// Puts the code of samples into its blocks, whose imports stay.
  func update(with samples: [Samples.Sample]) throws {
    var lines = try Samples.text(of: path).lines
    let blocks = try blocks().filter { $0.language == "swift" }
    for (block, sample) in zip(blocks, samples).reversed() {
      let imports = block.parts.imports.map { "import \($0)" }
      let code = imports + (imports.isEmpty ? [] : [""]) + sample.lines
      let end = kind == .code ? [""] : []
      lines.replaceSubrange(
        block.range,
        with: code.map { line in
          let text = block.margin + line
          return line.isEmpty ? String(text.trimmingSuffix(while: \.isWhitespace)) : text
        } + end)
    }
    try lines.joined(separator: "\n").write(
      to: Samples.root.appending(path: path), atomically: true, encoding: .utf8)
  }
}

extension StringProtocol {
  fileprivate func trimmingSuffix(while drops: (Character) -> Bool) -> SubSequence {
    guard let last = lastIndex(where: { !drops($0) }) else { return prefix(0) }
    return self[...last]
  }
}
