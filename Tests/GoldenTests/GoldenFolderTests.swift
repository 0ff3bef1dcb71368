import Foundation
import Testing

/// Databases that were committed with the format version that wrote them, and are open for ever.
///
/// `MARTLET_WRITE_GOLDEN=1 swift test --filter GoldenFolderTests` writes those of the present version
/// anew. What is committed is never written again: a change of the format is a new version.
@Suite(.serialized) struct GoldenFolderTests {
  private static let isWriting =
    ProcessInfo.processInfo.environment["MARTLET_WRITE_GOLDEN"] == "1"

  private func check(_ folder: GoldenFolder) throws {
    let before = try folder.files()
    let expected = try folder.expectedEntries()
    #expect(expected.count { $0 == 10 } > 30, "\(folder): nothing to find")
    let found = try folder.scanOfCopy()
    #expect(found.findings == [], "\(folder)")
    #expect(found.entries == expected, "\(folder): other entries than then")
    if let second = try folder.scanBySecondReader() {
      #expect(second == expected, "\(folder): the second reader finds other entries")
    }
    #expect(try folder.files() == before, "\(folder) was changed")
  }

  @Test(arguments: GoldenFolder.committed)
  func `a committed folder opens, is sound, and holds what it held`(_ folder: GoldenFolder) throws {
    try check(folder)
  }

  @Test(arguments: GoldenShape.all)
  func `a folder is written the same every time, is small, and passes the checks`(
    _ shape: GoldenShape
  ) throws {
    let root = FileManager.default.temporaryDirectory
      .appending(path: "martlet-golden-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    let folders = ["one", "other"].map { GoldenFolder(url: root.appending(path: $0)) }
    for folder in folders { try folder.write(try shape.disk()) }
    #expect(try folders[0].files() == folders[1].files(), "\(shape): chance had a part in it")
    let byteCount = try folders[0].byteCount
    #expect(byteCount < max(160 << 10, 6 * shape.pageSize), "\(shape): \(byteCount) bytes")
    try check(folders[0])
    // A folder whose bytes lie does not pass.
    var files = try folders[1].files()
    let log = try #require(files.keys.filter { $0.hasPrefix("log-") }.max())
    files[log]?[20] ^= 1
    try Data(files[log] ?? []).write(
      to: folders[1].url.appending(path: "database").appending(path: log))
    #expect(throws: (any Error).self) { try folders[1].scanOfCopy() }
  }

  @Test(.enabled(if: isWriting), arguments: GoldenShape.all)
  func `write the folders of the present version, on request`(_ shape: GoldenShape) throws {
    let folder = GoldenFolder(url: GoldenFolder.current.appending(path: shape.name))
    try #require(!FileManager.default.fileExists(atPath: folder.url.path), "it is there already")
    try folder.write(try shape.disk())
    try check(folder)
  }
}
