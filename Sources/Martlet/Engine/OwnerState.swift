package import Primitives
internal import RawBytes
internal import RedoLog

/// What the engine has a checkpoint remember on its behalf: where the log stands.
///
/// The version store keeps these bytes in its superblock without understanding them. The layout is
/// described in `format-spec/owner-state.md`.
package struct OwnerState: Equatable {
  /// The position up to which the checkpoint holds every commit.
  package var applied: LogPosition
  /// Where replay starts: the oldest continuation of a commit in flight at `applied`, or `applied`.
  package var replayFrom: LogPosition
  /// No commit before the checkpoint had a greater timestamp, acknowledged or lost.
  package var clock: Timestamp
  /// Above every transaction that has written to the log.
  package var nextTransaction: TransactionID

  package static let byteCount = 40
  private static let version: UInt8 = 0
  /// No database comes to so many transactions.
  static let transactionLimit = TransactionID(1 << 63)

  package var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: Self.byteCount)
    buffer.append(integer: Self.version)
    buffer.append(zeros: 7)
    buffer.append(integer: applied.rawValue)
    buffer.append(integer: replayFrom.rawValue)
    buffer.append(integer: clock.rawValue)
    buffer.append(integer: nextTransaction.rawValue)
    return buffer.view.array
  }

  package init(
    applied: LogPosition, replayFrom: LogPosition, clock: Timestamp,
    nextTransaction: TransactionID
  ) {
    self.applied = applied
    self.replayFrom = replayFrom
    self.clock = clock
    self.nextTransaction = nextTransaction
  }

  package init(decoding bytes: [UInt8]) throws(CorruptionError) {
    func damaged(_ expected: String, _ found: String) -> CorruptionError {
      CorruptionError(location: "owner state in the superblock", expected: expected, found: found)
    }
    let decoded: OwnerState? = bytes.withByteView { view in
      var reader = ByteReader(view)
      guard reader.integer(UInt8.self) == Self.version,
        let padding = reader.take(7), padding.array.allSatisfy({ $0 == 0 }),
        let applied = reader.integer(UInt64.self), let replayFrom = reader.integer(UInt64.self),
        let clock = reader.integer(UInt64.self), let transaction = reader.integer(UInt64.self)
      else { return nil }
      return OwnerState(
        applied: LogPosition(applied), replayFrom: LogPosition(replayFrom),
        clock: Timestamp(clock), nextTransaction: TransactionID(transaction))
    }
    guard let decoded else {
      throw damaged("\(Self.byteCount) bytes of version \(Self.version)", "\(bytes)")
    }
    guard decoded.replayFrom <= decoded.applied else {
      throw damaged(
        "replay to start at or before \(decoded.applied.rawValue)",
        "\(decoded.replayFrom.rawValue)")
    }
    let isPossible =
      decoded.applied < BatchHeader.positionLimit && decoded.clock < BatchHeader.timestampLimit
      && decoded.nextTransaction < Self.transactionLimit
    guard isPossible else {
      throw damaged("a position below 2^62, a clock and a transaction below 2^63", "\(bytes)")
    }
    self = decoded
  }
}
