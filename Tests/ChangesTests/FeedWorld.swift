import Environment
import Foundation
import Martlet
import RedoLog
import Seeds

extension SplitMix {
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

enum FeedWorld {
  static let directory = "/db"

  /// A database so small that a short life meets many segments and checkpoints.
  static func configuration(retention: Int) -> Configuration {
    var configuration = Configuration(
      pageSize: 4096, cacheSize: 64 * 4096, versionBudget: 1 << 20, checkpointLogBytes: 96 << 10,
      checkpointInterval: .seconds(1), changeRetention: retention)
    configuration.log = .init(
      firstSegmentByteCount: 64 << 10, largestSegmentByteCount: 128 << 10,
      spareByteCount: 256 << 10)
    return configuration
  }

  static func open(_ effects: Effects, retention: Int = 8 << 20) throws -> Database {
    try Database(
      at: directory, configuration: configuration(retention: retention), effects: effects)
  }
}

/// What an element says, without what a run cannot foresee.
struct Told: Hashable, CustomStringConvertible {
  struct Write: Hashable {
    let keyspace: String
    let key: [UInt8]
    let new: ChangedValue
    let old: ChangedValue
  }

  var events: [String] = []
  var writes: [Write] = []

  var description: String {
    (events + writes.map { "\($0.keyspace)/\(String(decoding: $0.key, as: UTF8.self))" })
      .joined(separator: ", ")
  }
}

/// The committed state as a model knows it: by the name of each keyspace.
typealias Rows = [String: [[UInt8]: [UInt8]]]

extension Database {
  /// Everything in it.
  func rows() throws -> Rows {
    var rows: Rows = [:]
    for name in keyspaceNames {
      guard let keyspace = try existingKeyspace(name) else { continue }
      rows[name] = [:]
      try read { snapshot in
        try snapshot.forEach(in: keyspace) { key, value in
          rows[name, default: [:]][[UInt8](copying: key)] = [UInt8](copying: value)
          return .continue
        }
      }
    }
    return rows
  }
}

extension [UInt8] {
  init(copying span: RawSpan) { self = unsafe span.withUnsafeBytes { unsafe [UInt8]($0) } }
}

extension ChangeReader {
  /// All that is durable by now.
  func pollAll() throws -> [CommittedChanges] {
    var elements: [CommittedChanges] = []
    while let element = try poll() { elements.append(element) }
    return elements
  }
}
