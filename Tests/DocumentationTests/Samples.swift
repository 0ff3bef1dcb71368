import Foundation

/// The code of the documentation, in the two places where it stands: in the document, for people, and
/// between marks in the tests, where it is compiled and run.
///
/// ```
/// // sample: GettingStarted
/// try db.write { tx in … }
/// // end sample
/// ```
///
/// The samples of one document are those marked with its name, in the order of the files of `Samples/`
/// and of their lines; they are its Swift blocks, in the same order and character for character, apart
/// from how far they are indented. Imports at the head of a block stand at the head of the file.
enum Samples {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// A piece of code between marks.
  struct Sample {
    let document: String
    let lines: [String]
    /// The modules that its file imports.
    let imports: Set<String>
    /// Where it begins.
    let place: String
  }

  /// The samples in a file of tests.
  static func samples(in text: String, of file: String) throws -> [Sample] {
    let imports = Set(text.matches(of: /(?m)^import (\w+)$/).map { String($0.1) })
    var samples: [Sample] = []
    var open: (document: String, line: Int, lines: [String])?
    for (number, line) in text.lines.enumerated() {
      let word = line.trimmingCharacters(in: .whitespaces)
      if let match = word.wholeMatch(of: /\/\/ sample: (\S+)/) {
        guard open == nil else {
          throw Malformed(place: "\(file):\(number + 1): a sample in another")
        }
        open = (String(match.1), number + 1, [])
      } else if word == "// end sample" {
        guard let sample = open else {
          throw Malformed(place: "\(file):\(number + 1): nothing to end")
        }
        samples.append(
          Sample(
            document: sample.document, lines: sample.lines.withoutIndentation, imports: imports,
            place: "\(file):\(sample.line)"))
        open = nil
      } else {
        open?.lines.append(line)
      }
    }
    if let open { throw Malformed(place: "\(file):\(open.line): no end of the sample") }
    return samples
  }

  /// All samples, by document.
  static func all() throws -> [String: [Sample]] {
    var all: [String: [Sample]] = [:]
    for file in try files(in: "Tests/DocumentationTests/Samples", endingIn: "swift") {
      for sample in try samples(in: try text(of: file), of: file) {
        all[sample.document, default: []].append(sample)
      }
    }
    return all
  }

  /// The files of a folder and the folders in it, as paths from the root.
  static func files(in folder: String, endingIn ending: String) throws -> [String] {
    let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
    return (names?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix("." + ending) }
      .sorted().map { "\(folder)/\($0)" }
  }

  static func text(of file: String) throws -> String {
    try String(contentsOf: root.appending(path: file), encoding: .utf8)
  }

  struct Malformed: Error { let place: String }
}

extension String {
  var lines: [String] {
    split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}

extension [String] {
  /// The lines without what all of them are indented by, and without empty ones at the ends.
  var withoutIndentation: [String] {
    let blank = { (line: String) in line.allSatisfy(\.isWhitespace) }
    let depth = lazy.filter { !blank($0) }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
    var lines = map { blank($0) ? "" : String($0.dropFirst(depth)) }
    while lines.first?.isEmpty == true { lines.removeFirst() }
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }
}
