import Environment
import Primitives
import RawBytes
import RedoLog
import Simulation

extension FuzzTarget {
  /// Segments of a log, recovered from a position, appended to, and recovered again.
  package static let segment = FuzzTarget(
    "segment",
    summary: "log segments: recovery from a position, then appends and a second recovery",
    maximumByteCount: 2048, seeds: FolderSeeds.segments
  ) { input in
    var tape = ByteTape(input)
    let from = LogPosition(tape.byte() & 1 == 0 ? 0 : tape.boundary())
    let covered = LogPosition(tape.byte() & 1 == 0 ? 0 : tape.boundary())
    let generation = Generation(UInt64(tape.byte()) + 1)
    let folder = FolderInput(&tape)
    let simulator = Simulator(seed: 1, disk: folder.disk)
    simulator.run { effects in
      let log = LogInput(effects, from: from, covered: covered, generation: generation)
      guard let first = log.recover(appending: folder.writes) else { return }
      guard let second = log.recover(appending: false) else {
        violated("a log that was recovered does not recover again")
      }
      require(second.starts(with: first), "a second recovery that hands out other records")
    }
  }
}

/// A log to be recovered.
private struct LogInput {
  let effects: Effects
  let from: LogPosition
  let covered: LogPosition
  let generation: Generation

  init(_ effects: Effects, from: LogPosition, covered: LogPosition, generation: Generation) {
    self.effects = effects
    self.from = from
    self.covered = covered
    self.generation = generation
  }

  struct Record: Equatable {
    let start: LogPosition
    let hash: UInt64
  }

  /// The records that a recovery hands out; nil when it refuses.
  func recover(appending: Bool) -> [Record]? {
    var records: [Record] = []
    do {
      let log = try RedoLog.recover(
        directory: FolderTemplate.directory, id: identity, from: from, coveredThrough: covered,
        generation: generation, effects: effects,
        configuration: LogConfiguration(
          firstSegmentByteCount: 64 << 10, largestSegmentByteCount: 128 << 10, spareByteCount: 0)
      ) { record in
        require(record.start >= from && record.end > record.start, "a record out of place")
        require(
          records.last.map { $0.start < record.start } ?? true, "records that do not ascend")
        records.append(
          Record(
            start: record.start, hash: Hash64.hash(record.payload, seed: record.timestamp.rawValue))
        )
      }
      if appending { try append(to: log) }
      try log.close()
      return records
    } catch is LogError {
      return nil
    } catch {
      violated("an untyped error of a log: \(error)")
    }
  }

  private func append(to log: RedoLog) throws(LogError) {
    let payload = [UInt8](repeating: 3, count: 200)
    var position = log.endPosition
    for number: UInt64 in 1...3 {
      try log.reserve(payload.count)
      let end = payload.withByteView { bytes in
        log.append(
          .commit, transaction: TransactionID(number),
          timestamp: Timestamp(log.durableCeiling.rawValue &+ number), entryCount: 1, payload: bytes
        )
      }
      require(end > position, "positions that do not grow")
      position = end
      try log.makeDurable(through: end)
    }
  }

  /// The identity that the segments themselves claim, so that it keeps nobody out.
  private var identity: DatabaseID {
    let names = (try? effects.files.list(FolderTemplate.directory)) ?? []
    for name in names where SegmentName.number(in: name) != nil {
      let path = FilePath.join(FolderTemplate.directory, name)
      guard
        let file = try? effects.files.open(path, FileMode(isWritable: false))
      else { continue }
      let memory = AlignedMemory(byteCount: SegmentHeader.blockByteCount)
      defer { withExtendedLifetime(memory) {} }
      guard let count = try? file.read(into: memory.bytes, at: 0), count > 0 else { continue }
      if let header = try? SegmentHeader(decoding: memory.bytes.view.prefix(count), path: path) {
        return header.database
      }
    }
    return DatabaseID(high: 0, low: 0)
  }
}
