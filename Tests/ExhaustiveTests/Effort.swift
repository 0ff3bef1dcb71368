import Foundation

/// How much of what can be enumerated is run.
enum Effort {
  /// `MARTLET_EXHAUSTIVE=1` of the environment: everything, also in debug and where tests sample
  /// by default.
  static let isWhole = ProcessInfo.processInfo.environment["MARTLET_EXHAUSTIVE"] == "1"

  /// In debug every nth case is run, for the same code.
  static func sample<Element>(
    _ all: [Element], debug: Int, release: Int = 1
  ) -> [Element] {
    let stride = isWhole ? 1 : isDebug ? debug : release
    return Swift.stride(from: 0, to: all.count, by: stride).map { all[$0] }
  }

  static var isDebug: Bool {
    #if DEBUG
      true
    #else
      false
    #endif
  }
}
