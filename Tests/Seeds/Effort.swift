internal import Foundation

/// How much of what can be enumerated is run.
package enum Effort {
  /// `MARTLET_EXHAUSTIVE=1` of the environment: everything, also in debug and where tests sample
  /// by default.
  package static let isWhole = ProcessInfo.processInfo.environment["MARTLET_EXHAUSTIVE"] == "1"

  /// `MARTLET_THINNING=4` of the environment: in debug a fourth of the cases, where a release build
  /// runs them as well.
  private static let thinning: Int = {
    let text = ProcessInfo.processInfo.environment["MARTLET_THINNING"]
    return max(1, text.flatMap { Int($0) } ?? 1)
  }()

  /// In debug every nth case is run, for the same code.
  package static func sample<Element>(
    _ all: [Element], debug: Int, release: Int = 1
  ) -> [Element] {
    Swift.stride(from: 0, to: all.count, by: stride(debug: debug, release: release)).map { all[$0] }
  }

  /// Which cases these are: every so manieth.
  package static func stride(debug: Int, release: Int = 1) -> Int {
    isWhole ? 1 : isDebug ? debug * thinning : release
  }

  package static var isDebug: Bool {
    #if DEBUG
      true
    #else
      false
    #endif
  }
}
