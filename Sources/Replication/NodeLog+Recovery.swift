internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import RedoLog

/// What of a node's log survived.
struct RecoveredLog {
  let log: NodeLog
  /// Ascending by slot, one a slot: the newest that was accepted, above the group's floor.
  var entries: [GroupID: [Entry]] = [:]
}

extension NodeLog {
  private static let generationAfterLoss = Generation(1 << 40)

  /// Opens the log of a node after whatever ended its last use.
  ///
  /// A torn tail is cut: nothing in it was ever told to anybody. A bad batch in front of good ones, or
  /// one that the promises call durable, is damage: then no group knows any more for sure what it
  /// accepted in the slots above its state, and each says so when it is asked, while it goes on with what it has and with its peers' help. What is left is
  /// written anew, so that the damage is met once.
  ///
  /// - Parameters:
  ///   - table: the promises; nil when both copies are lost, and then all replicas are amnesiac.
  ///   - floors: per group the slot that its state holds: entries up to there are not kept.
  ///   - followsFailure: whether a write or a sync of this process has failed.
  static func open(
    directory: String, identity: NodeIdentity, table recovered: PromiseTable?,
    floors: [GroupID: Slot], followsFailure: Bool,
    configuration: LogConfiguration, effects: Effects
  ) throws(NodeError) -> RecoveredLog {
    var table = recovered ?? PromiseTable(identity: identity)
    if recovered == nil {
      // Above every one that batches of the log can know of.
      table.generation = Self.generationAfterLoss
      for group in floors.keys { table.rows[group] = PromiseTable.Row(hardState: nil) }
    }
    var scan = LogScan(floors: floors)
    var damage: [LogDamage] = []
    let log: RedoLog
    do {
      log = try RedoLog.recover(
        directory: directory, id: identity.cluster, from: table.replayFrom,
        coveredThrough: table.durableThrough,
        generation: table.generation, effects: effects, configuration: configuration,
        damaged: { damage.append($0) },
        beginsSegment: followsFailure, replay: { try scan.take($0) })
    } catch let error as LogError {
      throw .log(error)
    } catch let error as CorruptionError {
      throw .corrupt(error)
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
    for (group, hint) in scan.hints {
      guard let before = table.rows[group]?.hardState?.chosenHint else { continue }
      table.rows[group]?.hardState?.chosenHint = max(before, hint)
    }
    let promises = PromiseFiles(directory: directory, effects: effects)
    table.restartCount &+= 1
    table.sequence &+= 1
    let node = NodeLog(
      log: log, promises: promises, table: table, marks: scan.marks, effects: effects)
    do {
      try node.renewPromises()
      if !damage.isEmpty {
        for found in damage {
          effects.events.report(
            Event(.warning, kind: .replication, "the log is damaged: \(found.finding)"))
        }
        try node.draw(from: damage, scan)
        for found in damage {
          if let path = found.unreadableSegment { try? effects.files.remove(path) }
        }
      }
    } catch {
      node.abandon()
      throw error
    }
    return RecoveredLog(log: node, entries: scan.sorted)
  }

  /// The consequences of damage: first the slots that are unsure, then a log without it, durable
  /// together.
  private func draw(
    from damage: [LogDamage], _ scan: LogScan
  ) throws(NodeError) {
    let lost = damage.reduce(UInt64(0)) { $0 + ($1.lost?.count ?? byteCount(ofSegmentIn: $1)) }
    for (group, floor) in scan.floors.sorted(by: { $0.key < $1.key }) {
      // What was known as chosen reached no further than what is left and what can have been lost
      // together, and nothing was accepted further ahead of it than a replica stores.
      let inLost = Int(min(lost, 1 << 32)) / Entry.headerByteCount
      let highest = max(scan.highest[group] ?? .zero, floor)
      let end = highest.advanced(by: inLost + Replica.storedAhead + 1)
      let before = table.rows[group]?.unknown
      try change(group) { row in
        row?.unknown =
          min(before?.lowerBound ?? floor.next, floor.next)..<max(before?.upperBound ?? end, end)
      }
    }
    try rewrite(scan.records)
  }
}

extension NodeLog {
  /// How much can have been lost with a segment whose header cannot be read.
  private func byteCount(ofSegmentIn damage: LogDamage) -> UInt64 {
    guard let path = damage.unreadableSegment else { return 0 }
    let mode = FileMode(isWritable: false)
    return (try? effects.files.open(path, mode).size()) ?? Self.assumedSegmentByteCount
  }

  private static let assumedSegmentByteCount: UInt64 = 64 << 20
}

extension Range<LogPosition> {
  fileprivate var count: UInt64 { upperBound.rawValue - lowerBound.rawValue }
}

/// Gathers the records of the log.
private struct LogScan {
  let floors: [GroupID: Slot]
  private(set) var marks: [GroupID: LogMarks] = [:]
  private(set) var highest: [GroupID: Slot] = [:]
  /// Up to where everything was chosen.
  private(set) var hints: [GroupID: Slot] = [:]
  private var replicas: [GroupID: ReplicaID] = [:]
  private var entries: [GroupID: [Slot: Entry]] = [:]

  init(floors: [GroupID: Slot]) { self.floors = floors }

  mutating func take(_ record: LogRecord) throws {
    guard record.kind == .replicated else {
      throw LogError.unknownRecordKind(record.kind.rawValue, at: record.start)
    }
    let decoded = try GroupRecord(decoding: record.payload)
    let group = decoded.group
    let floor = floors[group] ?? .zero
    replicas[group] = decoded.replica
    hints[group] = max(hints[group] ?? .zero, decoded.chosenHint)
    for entry in decoded.entries {
      highest[group] = max(highest[group] ?? .zero, entry.slot)
      guard entry.slot > floor else { continue }
      let before = entries[group]?[entry.slot]
      if before.map({ $0.ballot <= entry.ballot }) ?? true {
        entries[group, default: [:]][entry.slot] = entry
      }
    }
    let top = decoded.entries.reduce(Slot.zero) { max($0, $1.slot) }
    if top > floor { marks[group, default: LogMarks()].add(record.start, highest: top) }
  }

  var sorted: [GroupID: [Entry]] {
    entries.mapValues { bySlot in bySlot.values.sorted { $0.slot < $1.slot } }
  }

  /// What there is, as records to be written anew.
  var records: [GroupRecord] {
    sorted.sorted { $0.key < $1.key }.flatMap { group, entries -> [GroupRecord] in
      guard let replica = replicas[group] else { return [] }
      return stride(from: 0, to: entries.count, by: 64).map { first in
        GroupRecord(
          group: group, replica: replica,
          entries: Array(entries[first..<min(first + 64, entries.count)]))
      }
    }
  }
}
