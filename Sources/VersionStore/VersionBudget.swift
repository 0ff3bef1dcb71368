internal import Synchronization

/// How many bytes of versions snapshots may pin, and whether the half-way warning was given.
final class VersionBudget: Sendable {
  let byteCount: Int
  private let hasWarned = Atomic<Bool>(false)
  private let isBusy = Atomic<Bool>(false)
  private let expired = Atomic<Int>(0)

  init(byteCount: Int) { self.byteCount = byteCount }

  /// Whether so much is pinned that something may have to be done, or a warning renewed.
  func isNotable(_ pinned: Int) -> Bool {
    pinned * 2 > byteCount || hasWarned.load(ordering: .relaxed)
  }

  /// Whether to warn now: once when half the budget is passed, and again after it was a quarter.
  func shouldWarn(pinned: Int) -> Bool {
    if pinned * 2 > byteCount {
      return !hasWarned.exchange(true, ordering: .relaxed)
    }
    if pinned * 4 < byteCount { hasWarned.store(false, ordering: .relaxed) }
    return false
  }

  /// Runs a body unless another thread is at it.
  func exclusively(_ body: () -> Void) {
    guard isBusy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else { return }
    body()
    isBusy.store(false, ordering: .releasing)
  }

  func countExpired() { expired.wrappingAdd(1, ordering: .relaxed) }

  /// Snapshots that expired.
  var expiredCount: Int { expired.load(ordering: .relaxed) }
}
