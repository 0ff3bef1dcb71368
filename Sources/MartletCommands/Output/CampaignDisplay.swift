internal import Foundation
internal import Synchronization

/// The progress line of a campaign of runs, updated by whichever worker has finished one.
final class CampaignDisplay: Sendable {
  /// How many runs at the same time suit this machine: a simulated world leaves its processor idle
  /// whenever one thread hands over to the next.
  static var standardWidth: Int { 2 * ProcessInfo.processInfo.activeProcessorCount }

  private let total: Int
  private let reporter: Mutex<ProgressReporter>

  init(total: Int, isQuiet: Bool) {
    self.total = total
    reporter = Mutex(ProgressReporter(noun: "runs", isQuiet: isQuiet))
  }

  deinit { reporter.withLock { $0.finish() } }

  /// - Parameter note: what else is to be said, so many seconds after the beginning.
  func show(_ count: Int, _ note: (_ seconds: Double) -> String) {
    reporter.withLock {
      let note = note(max(Figures.seconds($0.elapsed), 0.000_001))
      $0.update(count: count, fraction: Double(count) / Double(total), note: note)
    }
  }
}
