import Foundation
import Martlet
import Testing

/// Gives each test a folder of its own, in which the relative paths of samples lie, and absolute ones
/// too: samples name places as a program would, and all tests share one process.
struct OwnFolder: SuiteTrait, TestTrait, TestScoping {
  @TaskLocal private static var current: String?

  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    guard testCase != nil else { return try await function() }
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "martlet-sample-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await Self.$current.withValue(folder.path, operation: function)
  }

  /// Where a path of a sample lies.
  static func place(_ path: String) -> String {
    guard let current else { preconditionFailure("the suite lacks the trait .ownFolder") }
    return path.hasPrefix(current) ? path : current + "/" + path
  }
}

extension Trait where Self == OwnFolder {
  static var ownFolder: Self { OwnFolder() }
}

// The operations that name a place by a word, in the samples' sense of places. Having fewer parameters
// than Martlet's own, which fill the others in, they are preferred to those.

extension Database {
  convenience init(at directory: String) throws {
    try self.init(at: OwnFolder.place(directory), configuration: Configuration())
  }

  @discardableResult
  func backup(to directory: String) throws -> BackupSummary {
    try backup(to: OwnFolder.place(directory), progress: nil)
  }

  @discardableResult
  func backup(to directory: String) async throws -> BackupSummary {
    try await backup(to: OwnFolder.place(directory), progress: nil)
  }

  @discardableResult
  func backup(
    to directory: String, progress: (BackupProgress) throws -> Void
  ) throws -> BackupSummary {
    try withoutActuallyEscaping(progress) { progress in
      try backup(to: OwnFolder.place(directory), progress: Optional(progress))
    }
  }

  @discardableResult
  static func restore(
    to directory: String, from source: () throws -> [UInt8]?
  ) throws -> BackupSummary {
    try restore(to: OwnFolder.place(directory), progress: nil, from: source)
  }

  @discardableResult
  static func restore(from backup: String, to directory: String) throws -> BackupSummary {
    try restore(
      from: OwnFolder.place(backup), to: OwnFolder.place(directory), progress: nil)
  }
}
