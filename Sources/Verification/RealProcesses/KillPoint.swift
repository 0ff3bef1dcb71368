internal import Environment

/// A place in the engine's dealings with its files at which a process kills itself.
///
/// Every point has a name; a campaign that never reached one of them fails.
package struct KillPoint: Sendable, Equatable {
  /// What the engine is about.
  package enum Phase: String, Sendable, CaseIterable {
    /// Making a database in an empty directory.
    case creating
    /// Opening one, after whatever ended its last use.
    case opening
    /// Serving its threads, checkpoints in the background included.
    case running
    case closing
  }

  package enum Moment: Sendable, Equatable {
    case before
    /// The first half of a write of at least two blocks is on its way.
    case halfway
    case after
  }

  package let name: String
  package let phase: Phase
  package let step: FileStep
  package let moment: Moment
  /// What the life before must have left: the point where it ended.
  package let predecessor: String?

  private init(
    _ phase: Phase, _ name: String, _ moment: Moment, _ step: FileStep, behind: String? = nil
  ) {
    self.phase = phase
    self.name = "\(phase.rawValue): \(name)"
    self.moment = moment
    self.step = step
    predecessor = behind
  }

  /// Up to which occurrence in one life a campaign waits for.
  package var occurrenceLimit: Int {
    guard phase == .running else { return 1 }
    switch step.call {
    case .punchHole, .truncate, .remove, .allocate: return 1
    default: return step.role == .segment && step.detail == .none && !step.isTemporary ? 40 : 3
    }
  }

  package static let all: [KillPoint] = creating + opening + checkpoint + log + segments + closing

  package static func named(_ name: String) -> KillPoint? { all.first { $0.name == name } }

  private static let creating: [KillPoint] = [
    KillPoint(
      .creating, "half of the first log segment is written", .halfway,
      FileStep(.write, .segment, isTemporary: true)),
    KillPoint(
      .creating, "before the first log segment gets its name", .before,
      FileStep(.rename, .segment, .publication)),
    KillPoint(
      .creating, "after the first log segment got its name, before the directory is synced",
      .after, FileStep(.rename, .segment, .publication)),
    KillPoint(.creating, "before the opening batch", .before, FileStep(.write, .segment)),
    KillPoint(
      .creating, "before the first superblock", .before,
      FileStep(.write, .data, isTemporary: true, .superblock(copy: 0))),
    KillPoint(
      .creating, "before the data file gets its name", .before,
      FileStep(.rename, .data, .publication)),
    KillPoint(
      .creating, "after the data file got its name, before the directory is synced", .after,
      FileStep(.rename, .data, .publication)),
  ]

  private static let opening: [KillPoint] = [
    KillPoint(
      .opening, "before the first write, before the data file is synced", .before,
      FileStep(.sync, .data)),
    KillPoint(.opening, "after the data file was synced", .after, FileStep(.sync, .data)),
    KillPoint(.opening, "before the end of the log is synced", .before, FileStep(.sync, .segment)),
    KillPoint(
      .opening, "after the end of the log was synced, before the directory is", .after,
      FileStep(.sync, .segment)),
    KillPoint(
      .opening, "after the directory was synced, before the opening batch", .after,
      FileStep(.syncDirectory, .directory)),
    KillPoint(.opening, "after the opening batch", .after, FileStep(.write, .segment)),
    KillPoint(
      .opening, "before a torn superblock is repaired", .before,
      FileStep(.write, .data, .superblock(copy: 1)), behind: betweenCopies),
    KillPoint(
      .opening, "after a torn superblock was repaired, before its sync", .after,
      FileStep(.write, .data, .superblock(copy: 1)), behind: betweenCopies),
    KillPoint(
      .opening, "before a segment that was being made is removed", .before,
      FileStep(.remove, .segment, isTemporary: true), behind: unnamedSegment),
    KillPoint(
      .opening, "after a segment that was being made was removed", .after,
      FileStep(.remove, .segment, isTemporary: true), behind: unnamedSegment),
  ]

  private static let betweenCopies = "running: between the two copies of the superblock"
  private static let unnamedSegment = "running: before a log segment gets its name"

  private static let checkpoint: [KillPoint] = [
    KillPoint(
      .running, "half of a run of images is written", .halfway, FileStep(.write, .data, .images)),
    KillPoint(.running, "before the sync of images and map", .before, FileStep(.sync, .data)),
    KillPoint(
      .running, "after images and map, before the superblock", .before,
      FileStep(.write, .data, .superblock(copy: 0))),
    KillPoint(
      .running, "between the two copies of the superblock", .after,
      FileStep(.write, .data, .superblock(copy: 0))),
    KillPoint(
      .running, "after the superblock, before its sync", .after,
      FileStep(.write, .data, .superblock(copy: 1))),
    KillPoint(
      .running, "after the superblock's sync, before the log is recycled", .after,
      FileStep(.sync, .data, .afterSuperblock)),
    KillPoint(.running, "before the data file grows", .before, FileStep(.allocate, .data)),
    KillPoint(.running, "after the data file grew", .after, FileStep(.allocate, .data)),
    KillPoint(
      .running, "before a hole is punched into the data file", .before, FileStep(.punchHole, .data)),
    KillPoint(
      .running, "after a hole was punched into the data file", .after, FileStep(.punchHole, .data)),
  ]

  private static let log: [KillPoint] = [
    KillPoint(
      .running, "before a batch is written to the log", .before, FileStep(.write, .segment)),
    KillPoint(
      .running, "half of a batch is written to the log", .halfway, FileStep(.write, .segment)),
    KillPoint(
      .running, "after a batch was written to the log, before it is acknowledged", .after,
      FileStep(.write, .segment)),
  ]

  private static let segments: [KillPoint] = [
    KillPoint(
      .running, "after a temporary segment was made, before anything is in it", .after,
      FileStep(.open, .segment, isTemporary: true)),
    KillPoint(
      .running, "half of a log segment's zeros are written", .halfway,
      FileStep(.write, .segment, isTemporary: true)),
    KillPoint(
      .running, "before a log segment gets its name", .before,
      FileStep(.rename, .segment, .publication)),
    KillPoint(
      .running, "after a log segment got its name, before the directory is synced", .after,
      FileStep(.rename, .segment, .publication)),
    KillPoint(
      .running, "after the directory was synced for a log segment", .after,
      FileStep(.syncDirectory, .directory, .publication)),
    KillPoint(
      .running, "before a log segment is recycled", .before,
      FileStep(.rename, .segment, .recycling)),
    KillPoint(
      .running, "after a log segment lost its name, before the directory is synced", .after,
      FileStep(.rename, .segment, .recycling)),
    KillPoint(
      .running, "after the directory was synced, before a recycled segment's header", .after,
      FileStep(.syncDirectory, .directory, .recycling)),
    KillPoint(
      .running, "after a recycled segment's header, before its sync", .before,
      FileStep(.sync, .segment, isTemporary: true, .recycling)),
    KillPoint(.running, "before a log segment is removed", .before, FileStep(.remove, .segment)),
    KillPoint(.running, "after a log segment was removed", .after, FileStep(.remove, .segment)),
  ]

  private static let closing: [KillPoint] = [
    KillPoint(
      .closing, "after the last superblock's sync", .after,
      FileStep(.sync, .data, .afterSuperblock)),
    KillPoint(.closing, "before the closing batch", .before, FileStep(.write, .segment)),
    KillPoint(.closing, "after the closing batch", .after, FileStep(.write, .segment)),
  ]
}
