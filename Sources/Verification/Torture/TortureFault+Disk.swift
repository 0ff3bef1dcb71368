internal import Environment
internal import Simulation

extension TortureFault {
  private static let data = "data.martlet"
  private static let log = "log-"

  /// The faults to declare on a simulated disk for this kind.
  func faults(_ occurrence: Fault.Occurrence) -> [Fault] {
    func fails(_ call: FileError.Call, _ number: Int32 = Fault.inputOutput, path: String? = nil)
      -> [Fault]
    {
      [Fault(.fails(number), on: [call], occurrence, path: path)]
    }
    return switch self {
    case .readFails: fails(.read)
    case .dataWriteFails: fails(.write, path: Self.data)
    case .logWriteFails: fails(.write, path: Self.log)
    case .writeFailsHalfway: [Fault(.failsHalfway(Fault.inputOutput), on: [.write], occurrence)]
    case .writeFindsDiskFull: fails(.write, Fault.noSpace)
    case .dataSyncFails: fails(.sync, path: Self.data)
    case .logSyncFails: fails(.sync, path: Self.log)
    // The database's own: that of the directory above is synced once, when it is made.
    case .directorySyncFails: fails(.syncDirectory, path: TortureLife.directory)
    case .openingFails: fails(.open)
    case .renamingFails: fails(.rename)
    case .removalFails: fails(.remove)
    case .truncationFails: fails(.truncate)
    case .allocationFails: fails(.allocate, Fault.noSpace)
    case .holePunchFails: fails(.punchHole)
    case .listingFails: fails(.list)
    case .sizeFails: fails(.size)
    case .lockingFails: fails(.lock)
    // The log's newest batch cannot be told from a torn one, so lies are told of the data file.
    case .readFlipsBit: [Fault(.flipsBit, on: [.read], occurrence, path: Self.data)]
    case .readReturnsStaleSector:
      [Fault(.returnsStaleSector, on: [.read], occurrence, path: Self.data)]
    case .readReturnsMisdirectedSector:
      [Fault(.returnsMisdirectedSector, on: [.read], occurrence, path: Self.data)]
    case .writeIsDropped: [Fault(.dropsWrite, on: [.write], occurrence, path: Self.data)]
    case .writeIsMisdirected: [Fault(.misdirectsWrite, on: [.write], occurrence, path: Self.data)]
    case .callIsDelayed: [Fault(.delays(nanoseconds: 50_000_000), .sometimes(oneIn: 60))]
    default: []
    }
  }

  /// What the disk counts when the kind fires.
  var counted: [Fault.Kind] {
    switch self {
    case .writeFailsHalfway: [.failedHalfway]
    case .readFlipsBit: [.flippedBit]
    case .readReturnsStaleSector: [.staleSector]
    case .readReturnsMisdirectedSector: [.misdirectedSector]
    case .writeIsDropped: [.droppedWrite]
    case .writeIsMisdirected: [.misdirectedWrite]
    case .callIsDelayed: [.delayed]
    default: TortureFault.ofCalls.contains(self) ? [.failed] : []
    }
  }
}

/// A planted bug of the disk: it claims what it does not do. No engine can keep its promises on
/// such a disk, so a campaign that finds nothing there is blind.
package enum TortureLie: String, Sendable, CaseIterable {
  /// Syncs, and data-synchronous writes, of the log make nothing durable.
  case logSync
  /// Syncs of the data file make nothing durable.
  case dataSync
  /// Syncs of directories make nothing durable.
  case directorySync

  var fault: Fault {
    switch self {
    case .logSync: Fault(.lies, on: [.sync, .write], .always, path: "log-")
    case .dataSync: Fault(.lies, on: [.sync, .write], .always, path: "data.martlet")
    case .directorySync: Fault(.lies, on: [.syncDirectory], .always)
    }
  }
}
