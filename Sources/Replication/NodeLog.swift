internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import RedoLog

/// The one log of a node, in which the records of all its groups stand between each other, and the
/// promises beside it. What all groups want to have durable in a moment costs one flush (rule G5).
///
/// The promises come first: so no entry of a ballot is on the medium before the promise of it. What a
/// replica knows to be chosen changes with every write, and goes into the log with the entries: were
/// it forgotten in a crash, the next leader would have to ask about all that the log holds.
///
/// - Invariant NL1: when `write` has returned, all of it is durable.
/// - Invariant NL2: the log holds every record of every group with a slot above what `truncate` said
///   of it; the promises say where the first of them may lie, before anything before is given up.
/// - Invariant NL3: after an error nothing is written any more until the log is opened again.
// SENDABLE: used by one thread at a time: the one that opens it, then the log's.
final class NodeLog: @unchecked Sendable {
  let effects: Effects
  private let log: RedoLog
  private let promises: PromiseFiles
  private(set) var table: PromiseTable
  private var marks: [GroupID: LogMarks]
  /// Where the log ended when a group was last asked for a checkpoint.
  private var askedAt: [GroupID: UInt64] = [:]
  private var hasFailed = false
  private var buffer = ByteBuffer(capacity: 1 << 16)

  init(
    log: RedoLog, promises: PromiseFiles, table: PromiseTable, marks: [GroupID: LogMarks],
    effects: Effects
  ) {
    self.effects = effects
    self.log = log
    self.promises = promises
    self.table = table
    self.marks = marks
  }

  var statistics: LogStatistics { log.statistics }

  /// The group that should write a checkpoint: the one that holds most of the log back, when a
  /// recovery would have to read more than `byteLimit`. It is named again only when the log has grown
  /// by a good part of that: a member that is away may hold the log back too, and no checkpoint
  /// changes that.
  func takeOverdue(byteLimit: UInt64) -> GroupID? {
    guard log.replayByteCount > byteLimit else { return nil }
    let slowest = marks.filter { $0.value.start != nil }
      .min { ($0.value.start ?? .zero, $0.key) < ($1.value.start ?? .zero, $1.key) }?.key
    guard let slowest else { return nil }
    let end = log.endPosition.rawValue
    if let asked = askedAt[slowest], end - asked < byteLimit / 4 { return nil }
    askedAt[slowest] = end
    return slowest
  }

  /// Makes the writes of any number of replicas durable, in their order.
  func write(_ writes: [GroupWrite]) throws(NodeError) {
    try guarded { () throws(NodeError) in
      let isPromise = note(writes)
      if isPromise { try writeTable() }
      var end: LogPosition?
      for write in writes {
        // A hint by itself is a record without entries, unless it stands in the promises already.
        let isHint = write.write.hardState != nil && !isPromise
        guard isHint || !write.write.entries.isEmpty else { continue }
        end = try append(
          GroupRecord(
            group: write.group, replica: write.replica,
            chosenHint: write.write.hardState?.chosenHint ?? .zero,
            entries: write.write.entries))
      }
      guard let end else { return }
      do throws(LogError) { try log.makeDurable(through: end) } catch { throw .log(error) }
    }
  }

  /// Takes in what is promised, and says whether any promise is new.
  private func note(_ writes: [GroupWrite]) -> Bool {
    var isPromise = false
    for write in writes {
      guard let hardState = write.write.hardState else { continue }
      guard let before = table.rows[write.group]?.hardState else {
        preconditionFailure("an amnesiac replica promises nothing")
      }
      precondition(hardState.promised >= before.promised, "a promise is never lowered")
      isPromise = isPromise || hardState.promised > before.promised
      table.rows[write.group]?.hardState = hardState
    }
    return isPromise
  }

  private func append(_ record: GroupRecord) throws(NodeError) -> LogPosition {
    buffer.removeAll()
    record.encode(into: &buffer)
    do throws(LogError) { try log.reserve(buffer.count) } catch { throw .log(error) }
    let end = log.append(
      .replicated, transaction: TransactionID(UInt64(record.group.rawValue)), timestamp: .zero,
      entryCount: UInt32(record.entries.count), payload: buffer.view)
    let byteCount = UInt64(LogRecord.headerByteCount + buffer.count)
    let highest = record.entries.reduce(Slot.zero) { max($0, $1.slot) }
    marks[record.group, default: LogMarks()].add(
      LogPosition(end.rawValue - byteCount), highest: highest)
    return end
  }

  /// Entries of a group up to a slot are needed no more. Gives up what no group needs.
  func truncate(_ truncations: [GroupID: Slot]) throws(NodeError) {
    for (group, slot) in truncations { marks[group]?.drop(through: slot) }
    try giveUpUnneeded(leastByteCount: Self.leastByteCount)
  }

  /// Less than this is not worth writing the promises for.
  private static let leastByteCount: UInt64 = 1 << 18

  private func giveUpUnneeded(leastByteCount: UInt64) throws(NodeError) {
    let durable = log.durablePosition
    let needed = marks.values.compactMap(\.start).min() ?? durable
    let from = min(needed, durable)
    guard from > table.replayFrom,
      from.rawValue - table.replayFrom.rawValue >= leastByteCount
    else { return }
    try guarded { () throws(NodeError) in
      table.replayFrom = from
      table.durableThrough = durable
      table.generation = table.generation.next
      try writeTable()
    }
    do throws(LogError) {
      try log.checkpointCompleted(generation: table.generation, replayFrom: from)
    } catch {
      if log.isPoisoned {
        hasFailed = true
        throw .log(error)
      }
      // A file could not be renamed or removed: the next opening does it.
    }
  }

  /// The state of a group has been made, or has got past what damage took.
  func change(_ group: GroupID, _ body: (inout PromiseTable.Row?) -> Void) throws(NodeError) {
    body(&table.rows[group])
    try guarded { () throws(NodeError) in try writeTable() }
  }

  /// Writes records anew and says in the promises that nothing before them is needed: so what damage
  /// left of the log is never read again.
  func rewrite(_ records: [GroupRecord]) throws(NodeError) {
    try guarded { () throws(NodeError) in
      marks = [:]
      var end = log.endPosition
      for record in records { end = try append(record) }
      do throws(LogError) { try log.makeDurable(through: end) } catch { throw .log(error) }
    }
    try giveUpUnneeded(leastByteCount: 0)
  }

  /// Writes both copies of the promises as new files.
  func renewPromises() throws(NodeError) {
    try guarded { () throws(NodeError) in try promises.rewrite(table) }
  }

  private func writeTable() throws(NodeError) {
    table.sequence += 1
    try promises.write(table)
  }

  private func guarded(_ body: () throws(NodeError) -> Void) throws(NodeError) {
    guard !hasFailed else { throw .log(.poisoned) }
    do { try body() } catch {
      hasFailed = true
      throw error
    }
  }

  /// Ends the log of a node that could not be opened.
  func abandon() {
    hasFailed = true
    close()
  }

  /// Ends the log. An orderly end leaves nothing to do for the next opening.
  func close() {
    if hasFailed { log.poison() }
    if !hasFailed { try? writeTable() }
    try? log.close()
  }
}

/// A write of one replica on its way into the log.
struct GroupWrite: Sendable {
  let member: Int
  let group: GroupID
  let replica: ReplicaID
  let write: Write
}
