import Environment
import Foundation
import Martlet
import Simulation
import SystemEnvironment

/// A file system in memory with databases in it, and dictionaries to hold them against.
struct BackupWorld {
  typealias Contents = [String: [[UInt8]: [UInt8]]]

  let effects: Effects

  init() { effects = Effects.memory() }

  var configuration: Configuration {
    var configuration = Configuration()
    configuration.pageSize = 4096
    configuration.cacheSize = 1 << 20
    return configuration
  }

  func database(at path: String = "/database") throws -> Database {
    try Database(at: path, configuration: configuration, effects: effects)
  }

  /// Sets random keys in two keyspaces, some of them large values, some removed again.
  func fill(_ database: Database, seed: UInt64, count: Int) throws -> Contents {
    var random = SeededGenerator(seed: seed)
    var model: Contents = [:]
    for name in ["default", "other"] {
      let keyspace = try database.keyspace(name)
      var expected: [[UInt8]: [UInt8]] = [:]
      for _ in 0..<count / 100 {
        try database.write { (tx: borrowing Transaction) in
          for _ in 0..<50 {
            let key = Array("key \(random.below(count))".utf8)
            if random.oneIn(5) {
              try tx.remove(key, in: keyspace)
              expected[key] = nil
            } else {
              let size = random.oneIn(40) ? 20_000 : random.below(200)
              let value = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
              try tx.set(value, for: key, in: keyspace)
              expected[key] = value
            }
          }
        }
      }
      model[name] = expected
    }
    return model
  }

  func contents(_ database: Database) throws -> Contents {
    var contents: Contents = [:]
    for name in database.keyspaceNames {
      guard let keyspace = try database.existingKeyspace(name) else { continue }
      var found: [[UInt8]: [UInt8]] = [:]
      try database.read { snapshot in
        try snapshot.forEach(in: keyspace) { key, value in
          found[[UInt8](key)] = [UInt8](value)
          return .continue
        }
      }
      contents[name] = found
    }
    return contents
  }
}

extension [UInt8] {
  init(_ bytes: RawSpan) { self = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } }
}
