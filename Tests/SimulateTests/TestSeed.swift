import Foundation

/// The seed of random tests: from the environment, so that a failure can be run again.
enum TestSeed {
  static let value =
    ProcessInfo.processInfo.environment["MARTLET_SEED"].flatMap(UInt64.init) ?? 1
}
