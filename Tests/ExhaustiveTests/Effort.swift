import Foundation

/// How much of what can be enumerated is run.
enum Effort {
  /// `MARTLET_EXHAUSTIVE=1` of the environment: everything, also in debug and where tests sample
  /// by default.
  static let isWhole = ProcessInfo.processInfo.environment["MARTLET_EXHAUSTIVE"] == "1"

  /// `MARTLET_THINNING=4` of the environment: in debug a fourth of the cases, where a release build
  /// runs them as well.
  private static let thinning: Int = {
    let text = ProcessInfo.processInfo.environment["MARTLET_THINNING"]
    return max(1, text.flatMap { Int($0) } ?? 1)
  }()

  /// In debug every nth case is run, for the same code.
  static func sample<Element>(
    _ all: [Element], debug: Int, release: Int = 1
  ) -> [Element] {
    let stride = isWhole ? 1 : isDebug ? debug * thinning : release
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
