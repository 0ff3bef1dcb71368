import Consensus
import Primitives
import Replication
import Testing
import Verification

/// Each oracle finds what it is for.
@Suite struct `The oracle of a group` {
  private static let founding = Configuration(voters: [1, 2, 3].map(ReplicaID.init))

  private func entry(_ slot: UInt64, _ bytes: [UInt8], round: UInt64 = 1) -> Entry {
    Entry(
      slot: Slot(slot), ballot: Ballot(round: round, replica: ReplicaID(1)),
      content: .command(bytes), leaderTime: BootTime(nanoseconds: round))
  }

  @Test func `lets replicas apply the same in other ballots and lives`() {
    var oracle = ClusterOracle(founding: Self.founding)
    for (replica, round) in [(1, 1), (2, 2), (1, 3)] as [(UInt32, UInt64)] {
      for slot in 1...3 as ClosedRange<UInt64> {
        oracle.note(
          entry(slot, [UInt8(slot)], round: round), StateHash(slot), by: ReplicaID(replica))
      }
    }
    #expect(oracle.violation == nil)
    #expect(oracle.newest == Slot(3) && oracle.slotCount == 3 && oracle.comparisonCount == 6)
  }

  @Test func `finds two values in a slot`() {
    var oracle = ClusterOracle(founding: Self.founding)
    oracle.note(entry(1, [1]), StateHash(1), by: ReplicaID(1))
    oracle.note(entry(1, [2]), StateHash(1), by: ReplicaID(2))
    #expect(oracle.violation?.kind == .twoValuesInSlot)
    var other = ClusterOracle(founding: Self.founding)
    other.note(entry(1, [1]), StateHash(1), by: ReplicaID(1))
    let empty = Entry(
      slot: Slot(1), ballot: .zero, content: .noOperation, leaderTime: BootTime(nanoseconds: 0))
    other.note(empty, StateHash(1), by: ReplicaID(2))
    #expect(other.violation?.kind == .twoValuesInSlot)
  }

  @Test func `finds states that differ at a slot`() {
    var oracle = ClusterOracle(founding: Self.founding)
    oracle.note(entry(1, [1]), StateHash(1), by: ReplicaID(1))
    oracle.note(entry(1, [1]), StateHash(2), by: ReplicaID(2))
    #expect(oracle.violation?.kind == .statesDiffer)
  }

  @Test func `finds two leases, and keeps the first promise that was broken`() {
    var oracle = ClusterOracle(founding: Self.founding)
    oracle.note(leaseHolders: [])
    oracle.note(leaseHolders: [ReplicaID(1)])
    #expect(oracle.violation == nil)
    oracle.note(leaseHolders: [ReplicaID(1), ReplicaID(3)])
    oracle.fail(.noProgress, "later")
    #expect(oracle.violation?.kind == .twoLeases)
  }

  @Test func `knows the newest configuration`() {
    var oracle = ClusterOracle(founding: Self.founding)
    let next = Configuration(voters: [1, 2, 4].map(ReplicaID.init), removed: [ReplicaID(3)])
    oracle.note(
      Entry(
        slot: Slot(2), ballot: .zero, content: .configuration(next),
        leaderTime: BootTime(nanoseconds: 0)), StateHash(2), by: ReplicaID(1))
    #expect(oracle.configuration == next && oracle.configurationSlot == Slot(2))
  }

  @Test func `finds answers that no order explains`() {
    var history = ClusterHistory()
    var moment = history.invoke()
    history.answer(.put(7), .done, key: 1, client: 0, invoked: moment)
    moment = history.invoke()
    history.giveUp(.put(8), key: 1, client: 1, invoked: moment)
    moment = history.invoke()
    history.answer(.get, .value(7), key: 1, client: 0, invoked: moment)
    moment = history.invoke()
    history.answer(.get, .value(8), key: 1, client: 0, invoked: moment)
    #expect(history.violation() == nil)
    moment = history.invoke()
    history.answer(.get, .value(7), key: 1, client: 0, invoked: moment)
    #expect(history.violation()?.kind == .notLinearizable)
  }
}
