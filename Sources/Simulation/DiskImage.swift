internal import Environment

/// What is on a simulated disk, as a value: files and names, as programs see them and as the
/// medium holds them.
///
/// A copy costs almost nothing however large the files are, so a test may keep the image at each
/// of thousands of writes and let every one of them be the moment of a power cut.
///
/// - Invariant K1: names are durable only by `syncDirectory` of a directory that the change
///   touches; bytes only by a sync of the file. Neither implies the other (rule F4).
/// - Invariant K2: a renaming inside the disk is one change: after a power cut it has happened
///   wholly or not at all.
/// - Invariant K3: `durableNames` plus all of `pendingNames` in order gives `names`, unless a
///   failed sync of a directory has lost some.
package struct DiskImage: Sendable {
  /// The files by number; nil: gone.
  var files: [FileContent?] = []
  var names = NameSpace()
  var durableNames = NameSpace()
  var pendingNames: [NameChange] = []

  /// What a power cut would decide about, in order; empty unless it is recorded.
  package internal(set) var pendingChanges: [PendingChange] = []
  var recordsPendingChanges = false
  /// How often something became durable, or lost for good, since the record began.
  package internal(set) var durabilityCount = 0

  /// How many bytes of blocks fit on the disk; nil: any number.
  package var capacity: UInt64?

  package init(capacity: UInt64? = nil) { self.capacity = capacity }

  /// Bytes of blocks in use: by files with a name, and by open ones without.
  package var usedByteCount: UInt64 {
    var blocks = 0
    for case .some(let file) in files where file.linkCount > 0 || file.handleCount > 0 {
      blocks += file.allocatedBlockCount
    }
    return UInt64(blocks * FileContent.blockByteCount)
  }

  /// How many more blocks fit.
  var freeBlockCount: Int {
    guard let capacity else { return .max }
    return Int(capacity / UInt64(FileContent.blockByteCount))
      - Int(usedByteCount) / FileContent.blockByteCount
  }

  /// A new file without a name.
  mutating func makeFile() -> Int {
    files.append(FileContent())
    return files.count - 1
  }

  /// Changes names as programs see them; the medium does not know yet.
  mutating func change(_ change: NameChange) {
    for step in change.steps {
      if case .file(let file)? = names.target(step) { files[file]?.linkCount -= 1 }
      if case .file(let file)? = step.target { files[file]?.linkCount += 1 }
      names.apply(step)
    }
    pendingNames.append(change)
    recordPending(nil, .name(change))
  }

  /// Makes the changes of a directory durable, in their order.
  mutating func settleNames(of directory: Int) {
    for change in pendingNames where change.touches(directory) {
      for step in change.steps { durableNames.apply(step) }
    }
    pendingNames.removeAll { $0.touches(directory) }
    forgetPendingNames(of: directory)
    forgetUnreachable()
  }

  /// A sync of the directory failed: its changes will never be durable (rule F1).
  mutating func loseNames(of directory: Int) {
    pendingNames.removeAll { $0.touches(directory) }
    forgetPendingNames(of: directory)
  }

  /// The disk as the next start finds it after a power cut now.
  package func afterPowerCut(_ model: LossModel, seed: UInt64) -> DiskImage {
    var generator = SeededGenerator(seed: seed)
    var survivor = DiskImage(capacity: capacity)
    survivor.durableNames = durableNames
    for change in pendingNames {
      let survives =
        switch model {
        case .keepAll: true
        case .loseAll: false
        case .random: generator.oneIn(2)
        }
      if survives { for step in change.steps { survivor.durableNames.apply(step) } }
    }
    survivor.names = survivor.durableNames
    let links = survivor.names.linkCounts()
    survivor.files = files.indices.map { number in
      guard let count = links[number], let file = files[number] else { return nil }
      var kept = file.afterPowerCut(model, &generator)
      kept.linkCount = count
      return kept
    }
    return survivor
  }

  /// The disk as the next process finds it when this one was killed: nothing is lost, and what
  /// was not durable still is not.
  package func afterProcessCrash() -> DiskImage {
    var survivor = self
    for number in survivor.files.indices { survivor.files[number]?.handleCount = 0 }
    survivor.forgetUnreachable()
    return survivor
  }

  /// Drops files that no name can lead to any more and nobody has open.
  private mutating func forgetUnreachable() {
    let durable = durableNames.linkCounts()
    let pending = Set(pendingNames.flatMap { $0.steps.compactMap(\.file) })
    for number in files.indices {
      guard let file = files[number], file.linkCount == 0, file.handleCount == 0 else { continue }
      if durable[number] == nil && !pending.contains(number) { files[number] = nil }
    }
  }
}
