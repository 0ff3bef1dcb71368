import Primitives
import Testing
import VersionStore

/// Every interleaving of the begin of snapshots, commits of every kind and the collector, over the
/// very steps that production code runs, on one key.
@Suite struct HandshakeTests {
  @Test(arguments: [SnapshotKind.acknowledged, .published], [true, false])
  func `a begin and a commit never miss each other`(kind: SnapshotKind, isRelaxed: Bool) {
    let outcome = explore([
      { Reader(handshake: BeginHandshake(kind, hint: 0)) },
      { Committer(timestamps: [2], isRelaxed: isRelaxed) },
    ])
    #expect(outcome.failures.isEmpty)
    #expect(outcome.stateCount > 50)
  }

  @Test(arguments: [SnapshotKind.acknowledged, .published])
  func `two begins and two commits in a row never miss each other`(kind: SnapshotKind) {
    let outcome = explore([
      { Reader(handshake: BeginHandshake(kind, hint: 0)) },
      { Reader(handshake: BeginHandshake(kind, hint: 0)) },
      { Committer(timestamps: Self.commits, isRelaxed: true) },
    ])
    #expect(outcome.failures.isEmpty)
  }

  @Test(arguments: [SnapshotKind.acknowledged, .published], [true, false])
  func `a collector frees nothing that a beginning snapshot will see`(
    kind: SnapshotKind, isRelaxed: Bool
  ) {
    let outcome = explore([
      { Reader(handshake: BeginHandshake(kind, hint: 0)) },
      { Committer(timestamps: Self.commits, isRelaxed: isRelaxed) },
      { Collector() },
      { Collector() },
    ])
    #expect(outcome.failures.isEmpty)
  }

  @Test func `a commit keeps for others but not for its own transaction`() {
    let registry = SnapshotRegistry(watermark: Timestamp(1))
    func begin() -> StoreSnapshot {
      var handshake = BeginHandshake(.published, hint: 0)
      while true {
        if case .begun(let snapshot) = handshake.advance(in: registry) { return snapshot }
      }
    }
    func keeps(_ entryCount: Int = 1, own: StoreSnapshot?) -> Bool {
      var handshake = CommitHandshake(
        entryCount: entryCount, isAcknowledgedAtPublication: true, own: own)
      while true {
        if let announcement = handshake.advance(in: registry) {
          if announcement.isAnnounced { registry.retractDiscarding() }
          return announcement.keepsVersions
        }
      }
    }
    #expect(!keeps(own: nil))
    #expect(keeps(CommitHandshake.entryLimit + 1, own: nil))
    let own = begin()
    #expect(!keeps(own: own))
    #expect(keeps(own: nil))
    let other = begin()
    #expect(keeps(own: own))
    _ = registry.end(other)
    _ = registry.end(own)
    #expect(!keeps(own: nil))
    #expect(registry.discardingCount == 0)
  }

  /// The optimised build explores one commit more.
  private static var commits: [UInt64] {
    #if DEBUG
      [2]
    #else
      [2, 3]
    #endif
  }

  // The same harness must find what is wrong with handshakes that are.

  @Test func `a begin that loads the watermark before it looks at commits is caught`() {
    let outcome = explore([
      { Reader(handshake: HastyBegin()) },
      { Committer(timestamps: [2], isRelaxed: true) },
    ])
    #expect(!outcome.failures.isEmpty)
  }

  @Test func `a begin that does not show itself first is caught`() {
    let outcome = explore([
      { Reader(handshake: ShyBegin()) },
      { Committer(timestamps: [2], isRelaxed: true) },
    ])
    #expect(!outcome.failures.isEmpty)
  }

  @Test func `a collector that loads the watermark after the slots is caught`() {
    let outcome = explore([
      { Reader(handshake: BeginHandshake(.acknowledged, hint: 0)) },
      { Committer(timestamps: [2], isRelaxed: false) },
      { Collector(isHasty: true) },
    ])
    #expect(!outcome.failures.isEmpty)
  }
}
