import Testing

/// The catalog's first page.
@Suite struct CatalogTests {
  static let page = "Sources/Martlet/Martlet.docc/Martlet.md"

  @Test func `lists every public type`() throws {
    let page = try Samples.text(of: Self.page)
    var count = 0
    for file in try Samples.files(in: "Sources/Martlet", endingIn: "swift")
    where !file.contains(".docc/") {
      let declaration = /(?m)^public (?:final )?(?:struct|class|enum|protocol|actor) (\w+)/
      for match in try Samples.text(of: file).matches(of: declaration) {
        count += 1
        let topic = "- ``\(match.1)``\n"
        #expect(page.contains(topic), "\(file): \(match.1) is in no topic of Martlet.md")
      }
    }
    #expect(count > 40)
  }

  @Test func `lists every article`() throws {
    let page = try Samples.text(of: Self.page)
    for file in try Samples.files(in: "Sources/Martlet/Martlet.docc", endingIn: "md") {
      let name = String(try #require(file.split(separator: "/").last).dropLast(".md".count))
      #expect(page.contains("- <doc:\(name)>\n") || name == "Martlet", "\(name) is in no topic")
    }
  }
}
