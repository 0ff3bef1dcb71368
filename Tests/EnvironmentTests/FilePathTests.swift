import Environment
import Testing

@Suite struct FilePathTests {
  @Test func `a path is its names`() {
    #expect(FilePath.names("/a/b") == ["a", "b"])
    #expect(FilePath.names("a//./b/") == ["a", "b"])
    #expect(FilePath.names("/") == [])
    #expect(FilePath.names("") == [])
  }

  @Test func `the parent holds the last name`() {
    #expect(FilePath.parent(of: "/a/b") == "/a")
    #expect(FilePath.parent(of: "/a") == "/")
    #expect(FilePath.parent(of: "a/b/") == "a")
    #expect(FilePath.parent(of: "a") == ".")
  }

  @Test func `joining puts one slash between`() {
    #expect(FilePath.join("/a", "b") == "/a/b")
    #expect(FilePath.join("/", "b") == "/b")
  }
}
