import Dispatch
import Environment
import Martlet
import RedoLog
import Seeds
import Simulation
import Synchronization
import Testing
import Verification

/// Every state in which a power cut can leave the disk under a short life (rules R1, R3, F4, W2).
@Suite(.serialized) struct `Every surviving state` {
  private static let scripts: [String: CrashScript] = [
    "creation": .nothing, "commits": .commits, "checkpoints": .checkpoints,
    "rotation": .rotation, "dropping": .dropping, "new segment": .newSegment,
    "building": .building,
    "pressure": .pressure(valueByteCount: 160_000),
  ]

  private func campaign(
    _ name: String, prepare: (SimulatedDisk) -> Void = { _ in }
  ) throws -> (campaign: SurvivorCampaign, journal: CrashJournal) {
    let script = try #require(Self.scripts[name])
    let session = CrashSession(script: script, configuration: CrashSession.smallConfiguration)
    let campaign = try SurvivorCampaign(
      seed: Seed.fixed, prepare: prepare, moment: { session.journal.moment },
      body: { try session.run($0) })
    return (campaign, session.journal)
  }

  @Test(arguments: [
    "creation", "commits", "checkpoints", "rotation", "dropping", "new segment", "pressure",
    "building",
  ])
  func `recovers to a prefix with every acknowledged commit`(_ name: String) throws {
    let (campaign, journal) = try campaign(name)
    let all = campaign.states
    let states = Effort.sample(
      all, debug: name == "pressure" ? 600 : 24, release: name == "pressure" ? 16 : 1)
    let clock = ContinuousClock.now
    let found = Parallel.failures(states) {
      try campaign.check($0) { journal.match($0, at: $1) != nil }
    }
    print(
      "\(name): \(campaign.windows.count) windows of up to \(campaign.largestWindow) changes, "
        + "\(states.count) of \(all.count) states, \(ContinuousClock.now - clock)")
    #expect(campaign.largeWindowCount == 0, "some window is too large for all subsets")
    #expect(all.count >= campaign.windows.count)
    found.expectNone(name)
  }

  /// With "new segment" this found that a power cut could bring a segment back that recovery had
  /// removed: its first batch was torn, its header was whole, and it stood for the segment with which
  /// to begin.
  @Test(arguments: ["creation", "checkpoints", "rotation", "dropping", "new segment"])
  func `of a recovery is one more start for a recovery`(_ name: String) throws {
    let (first, journal) = try campaign(name)
    let clock = ContinuousClock.now
    // Of each window: nothing and everything survived, or its last write is torn.
    let bases = first.windows.indices.flatMap { index -> [SurvivorCampaign.State] in
      let count = first.windows[index].image.pendingChanges.count
      var fates = [PendingChange.Fate.absent, .whole].map { Array(repeating: $0, count: count) }
      if count > 0, let last = fates.last { fates.append(last.dropLast() + [.head]) }
      return (count == 0 ? [fates[0]] : fates).map { .init(window: index, fates: $0) }
    }
    let sampled = Effort.sample(bases, debug: 24, release: 2)
    let count = Atomic<Int>(0)
    let found = Parallel.failures(sampled) { base in
      let disk = first.windows[base.window].image.surviving(base.fates)
      let moment = first.windows[base.window].moment
      let states = try secondLife(on: disk, everyNth: Effort.isWhole ? 1 : 29) {
        journal.match($0, at: moment) != nil
      }
      count.add(states, ordering: .relaxed)
    }
    print(
      "recovery after \(name): \(count.load(ordering: .relaxed)) states of \(sampled.count) lives, "
        + "\(ContinuousClock.now - clock)")
    found.expectNone(name)
  }

  @Test(arguments: ["creation", "checkpoints", "rotation", "dropping"])
  func `of the life after one that was killed keeps what both acknowledged`(_ name: String) throws {
    let (first, journal) = try campaign(name)
    let clock = ContinuousClock.now
    let kills = Effort.sample(first.moments, debug: 24, release: 2)
    let count = Atomic<Int>(0)
    let found = Parallel.failures(kills) { kill in
      // Nothing is lost, and nothing is more durable than it was.
      let disk = kill.image.afterProcessCrash()
      let states = try secondLife(on: disk, everyNth: Effort.isWhole ? 1 : 53) {
        journal.match($0, at: kill.moment) != nil
      }
      count.add(states, ordering: .relaxed)
    }
    print(
      "killed in \(name): \(count.load(ordering: .relaxed)) states of \(kills.count) lives, "
        + "\(ContinuousClock.now - clock)")
    found.expectNone(name)
  }

  /// Lives once more on a disk and checks a part of the states that this may leave. How many.
  private func secondLife(
    on disk: DiskImage, everyNth stride: Int, isLegalBefore: @escaping @Sendable (UInt64) -> Bool
  ) throws -> Int {
    var configuration = CrashSession.smallConfiguration
    // Log segments that are not needed are removed, not kept for reuse.
    configuration.log.spareByteCount = 0
    let survived = try SurvivorCampaign.recover(disk, configuration, seed: Seed.fixed)
    #expect(isLegalBefore(survived.fingerprint))
    let life = SecondLife(after: survived.fingerprint, orBeforeOpening: isLegalBefore)
    let campaign = try SurvivorCampaign(
      seed: Seed.fixed, disk: disk, configuration: configuration, moment: { life.moment },
      body: { try life.run($0, configuration) })
    let states = campaign.states(everyNth: stride)
    for state in states { try campaign.check(state) { life.allows($0, at: $1) } }
    return states.count
  }

  @Test(arguments: ["/database/data", "/database/log", nil])
  func `shows that a sync was a lie (negative control)`(_ path: String?) throws {
    let calls: Set<FileError.Call> = path == nil ? [.syncDirectory] : [.sync, .write]
    let (campaign, journal) = try campaign("checkpoints") {
      $0.inject(Fault(.lies, on: calls, .always, path: path))
    }
    let states = campaign.states(everyNth: Effort.isDebug ? 400 : 40)
    let found = Parallel.failures(states) {
      try campaign.check($0) { journal.match($0, at: $1) != nil }
    }
    print("lies about \(path ?? "names"): \(found.count) of \(states.count) states were caught")
    #expect(found.count > states.count / 20)
  }
}
