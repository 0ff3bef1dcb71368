/// What a torture campaign declares that it does to a database. A kind that never fired in a
/// campaign makes the campaign fail: what is not exercised is not claimed.
package enum TortureFault: String, Sendable, Hashable, CaseIterable {
  // A call of the file system fails, once or from then on.
  case readFails, dataWriteFails, logWriteFails, writeFailsHalfway, writeFindsDiskFull
  case dataSyncFails, logSyncFails, directorySyncFails
  case openingFails, renamingFails, removalFails, truncationFails, allocationFails
  case holePunchFails, listingFails, sizeFails, lockingFails
  // The disk has no room for a while.
  case diskRunsFull
  // Bytes lie.
  case readFlipsBit, readReturnsStaleSector, readReturnsMisdirectedSector
  case writeIsDropped, writeIsMisdirected, pageRots
  // The power fails, or the process is killed.
  case powerCutKeepsAll, powerCutLosesAll, powerCutTearsWrites, processIsKilled
  case powerCutInRecovery, powerCutInSecondRecovery, powerCutInThirdRecovery
  // Time.
  case wallClockJumpsForward, wallClockJumpsBack, callIsDelayed, threadStalls
  // Budgets run out.
  case versionBudgetRunsOut, writeSetLimitIsReached, lockTimesOut

  /// Whether the disk may hold wrong bytes for good afterwards: then a typed `corrupt` error is a
  /// right answer from there on, and a wrong value still is none.
  package var damagesDisk: Bool {
    switch self {
    case .writeIsDropped, .writeIsMisdirected, .pageRots: true
    default: false
    }
  }

  /// Whether a read may return wrong bytes while it is in force.
  package var corruptsReads: Bool {
    switch self {
    case .readFlipsBit, .readReturnsStaleSector, .readReturnsMisdirectedSector: true
    default: damagesDisk
    }
  }

  /// Those that are declared on a simulated disk before a life begins.
  package static let ofCalls: [TortureFault] = [
    .readFails, .dataWriteFails, .logWriteFails, .writeFailsHalfway, .writeFindsDiskFull,
    .dataSyncFails, .logSyncFails, .directorySyncFails, .openingFails, .renamingFails,
    .removalFails, .truncationFails, .allocationFails, .holePunchFails, .listingFails, .sizeFails,
    .lockingFails,
  ]

  package static let ofBytes: [TortureFault] = [
    .readFlipsBit, .readReturnsStaleSector, .readReturnsMisdirectedSector, .writeIsDropped,
    .writeIsMisdirected, .pageRots,
  ]

  package static let ofTime: [TortureFault] = [
    .wallClockJumpsForward, .wallClockJumpsBack, .callIsDelayed, .threadStalls, .diskRunsFull,
  ]
}

/// How often each kind fired.
package struct FaultCounts: Sendable, Equatable {
  package private(set) var counts: [TortureFault: Int] = [:]

  package init() {}

  package subscript(fault: TortureFault) -> Int { counts[fault, default: 0] }

  package mutating func add(_ fault: TortureFault, _ count: Int = 1) {
    if count > 0 { counts[fault, default: 0] += count }
  }

  package mutating func add(_ other: FaultCounts) {
    for (fault, count) in other.counts { add(fault, count) }
  }

  /// How often any fired.
  package var total: Int { counts.values.reduce(0, +) }

  /// Kinds that did not fire, in their order.
  package var missing: [TortureFault] { TortureFault.allCases.filter { self[$0] == 0 } }
}
