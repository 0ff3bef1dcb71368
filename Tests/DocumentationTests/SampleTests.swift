import Foundation
import Testing

/// Every Swift block of the documents is a sample, and so compiled and run; see ``Samples``.
///
/// After a sample was changed, `MARTLET_UPDATE_SAMPLES=1 swift test --filter SampleTests` puts the
/// code of the tests into the documents that have as many blocks.
@Suite struct SampleTests {
  @Test func `documents show what is compiled and run`() throws {
    let samples = try Samples.all()
    let updates = ProcessInfo.processInfo.environment["MARTLET_UPDATE_SAMPLES"] == "1"
    var names: Set<String> = []
    var blockCount = 0
    for document in try Document.all() {
      let blocks = try document.blocks().filter { $0.language == "swift" }
      guard !blocks.isEmpty else { continue }
      #expect(names.insert(document.name).inserted, "two documents are called \(document.name)")
      let samples = samples[document.name] ?? []
      #expect(
        blocks.count == samples.count,
        """
        \(document.path) has \(blocks.count) Swift blocks, and Tests/DocumentationTests/Samples \
        \(samples.count) samples marked `// sample: \(document.name)`: each block needs its sample
        """)
      if updates, blocks.count == samples.count { try document.update(with: samples) }
      for (block, sample) in zip(try document.blocks().filter { $0.language == "swift" }, samples) {
        blockCount += 1
        let (imports, code) = block.parts
        #expect(
          code == sample.lines,
          """
          the block at \(document.path):\(block.range.lowerBound + 1) is not the sample at \
          \(sample.place)
          """)
        #expect(sample.imports.isSuperset(of: imports), "\(sample.place) lacks an import")
      }
    }
    let strangers = Set(samples.keys).subtracting(names)
    #expect(strangers.isEmpty, "samples of documents that are not there")
    #expect(blockCount > 40, "only \(blockCount) blocks were compared")
  }

  /// A block that calls itself something else than `swift` would escape.
  @Test func `blocks name their languages alike`() throws {
    let languages: Set = ["", "swift", "sh", "json", "text", "edn"]
    for document in try Document.all() {
      for block in try document.blocks() where !languages.contains(block.language) {
        Issue.record(
          "\(document.path):\(block.range.lowerBound): a block in \"\(block.language)\"")
      }
    }
  }

  @Test func `samples are found between their marks, without their indentation`() throws {
    let text = """
      import Martlet
      func test() {
        // sample: Article
        if true {
          work()
        }
        // end sample
        // sample: Other
        // end sample
      }
      """
    let samples = try Samples.samples(in: text, of: "Test.swift")
    #expect(samples.map(\.document) == ["Article", "Other"])
    #expect(samples[0].lines == ["if true {", "  work()", "}"])
    #expect(samples[0].imports == ["Martlet"])
    #expect(samples[0].place == "Test.swift:3")
    #expect(throws: Samples.Malformed.self) {
      try Samples.samples(in: "// sample: A\n// sample: B\n", of: "Test.swift")
    }
    #expect(throws: Samples.Malformed.self) {
      try Samples.samples(in: "// sample: A\n", of: "Test.swift")
    }
  }
}
