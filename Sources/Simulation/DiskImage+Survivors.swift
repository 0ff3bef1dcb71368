internal import Environment

/// The states that a power cut may leave, one by one.
///
/// What is legal: each sector of each un-synced write, each change of a file's size and each change
/// of a name has happened or has not, independently of all others. For even one write of a
/// megabyte those are more states than can be counted, and nearly all of them are alike to a
/// program: it reads whole blocks under a checksum and so cannot tell one torn block from another.
/// `fates(of:)` therefore counts
/// - every subset of the changes, each of them whole or absent: 2^n states;
/// - for each write, each of its torn forms, with no other change, with all others, with all
///   earlier ones only, and with all later ones only. The torn forms are halves, every other
///   sector, all but one at either end, and the size without the bytes: a checksum at the
///   beginning, at the end or in the middle of the write misses its bytes in some of them.
///
/// Not enumerated, but met by `LossModel.random` in samples: two writes torn at once, and a torn
/// form beside an arbitrary subset. A content that a later write of the same sector replaced is
/// covered: the subset without the later write has it.
extension DiskImage {
  /// Every combination of fates that is enumerated for so many changes, in a fixed order. `limit`:
  /// the number of changes up to which every subset is taken; beyond it come all subsets that lack
  /// or hold at most two changes, all prefixes and all suffixes.
  package func fates(limit: Int = 12) -> [[PendingChange.Fate]] {
    let count = pendingChanges.count
    var all: [[PendingChange.Fate]] = []
    if count <= limit {
      for mask in 0..<1 << count {
        all.append((0..<count).map { mask >> $0 & 1 == 1 ? .whole : .absent })
      }
    } else {
      all += sparseFates(count)
    }
    for (index, change) in pendingChanges.enumerated() {
      for torn in change.tornFates(sizeBefore: durableSize(of: change)) {
        for others in [(false, false), (true, true), (true, false), (false, true)] {
          let fates = (0..<count).map { other -> PendingChange.Fate in
            if other == index { return torn }
            return (other < index ? others.0 : others.1) ? .whole : .absent
          }
          if !all.suffix(4).contains(fates) { all.append(fates) }
        }
      }
    }
    return all
  }

  private func sparseFates(_ count: Int) -> [[PendingChange.Fate]] {
    var subsets: Set<Set<Int>> = []
    for first in 0..<count {
      for second in first..<count { subsets.insert([first, second]) }
      subsets.insert(Set(0..<first))
    }
    subsets.formUnion(subsets.map { Set(0..<count).subtracting($0) })
    return subsets.map { subset in (0..<count).map { subset.contains($0) ? .whole : .absent } }
      .sorted { "\($0)" < "\($1)" }
  }

  private func durableSize(of change: PendingChange) -> UInt64 {
    change.file.flatMap { files[$0]?.durableSize } ?? 0
  }

  /// The disk as the next start finds it when of each pending change so much has survived.
  package func surviving(_ fates: [PendingChange.Fate]) -> DiskImage {
    precondition(fates.count == pendingChanges.count, "one fate for each pending change")
    var survivor = DiskImage(capacity: capacity)
    survivor.durableNames = durableNames
    for case (.name(let change), .whole) in zip(pendingChanges.map(\.action), fates) {
      for step in change.steps { survivor.durableNames.apply(step) }
    }
    survivor.names = survivor.durableNames
    let links = survivor.names.linkCounts()
    var chance = SeededGenerator(seed: 0)
    survivor.files = files.indices.map { number in
      guard let count = links[number], let file = files[number] else { return nil }
      var kept = file.afterPowerCut(.loseAll, &chance)
      for (change, fate) in zip(pendingChanges, fates)
      where change.file == number && fate != .absent { kept.undergo(change.action, fate) }
      kept.settleAll()
      kept.linkCount = count
      return kept
    }
    return survivor
  }

  // MARK: Recording

  mutating func recordPending(_ file: Int?, _ action: PendingChange.Action) {
    if recordsPendingChanges { pendingChanges.append(PendingChange(file: file, action: action)) }
  }

  /// A file's changes are durable, or lost for good.
  mutating func forgetPending(of file: Int) {
    keepPending { $0.filter { $0.file != file } }
  }

  mutating func forgetPending(of file: Int, _ range: Range<UInt64>) {
    keepPending { PendingChange.remaining($0, after: file, range) }
  }

  mutating func forgetPendingNames(of directory: Int) {
    keepPending { changes in
      changes.filter { change in
        if case .name(let name) = change.action { !name.touches(directory) } else { true }
      }
    }
  }

  private mutating func keepPending(_ filter: ([PendingChange]) -> [PendingChange]) {
    guard recordsPendingChanges else { return }
    let before = pendingChanges
    pendingChanges = filter(before)
    if !before.isEmpty, pendingChanges.count != before.count { durabilityCount += 1 }
  }
}
