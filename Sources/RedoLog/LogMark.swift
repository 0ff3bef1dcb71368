package import Primitives

/// A place in the log between two records, as somebody may remember it who follows the log: behind
/// so many records of one batch.
///
/// The checksum ties it to the very history it was taken from: where an older copy of the database
/// went on by itself, the same number and position mean another batch.
package struct LogMark: Sendable, Hashable {
  /// Of the batch.
  package var number: UInt64
  /// Of the batch's first byte.
  package var position: LogPosition
  /// Of the batch.
  package var checksum: UInt32
  /// Records of the batch that lie before the mark.
  package var recordCount: UInt32
  /// Whether those are all: then the batch itself is not needed to go on, only the next one.
  package var isWhole: Bool

  package init(
    number: UInt64, position: LogPosition, checksum: UInt32, recordCount: UInt32, isWhole: Bool
  ) {
    self.number = number
    self.position = position
    self.checksum = checksum
    self.recordCount = recordCount
    self.isWhole = isWhole
  }

  /// Behind a whole batch.
  init(behind header: BatchHeader) {
    self.init(
      number: header.number, position: header.position, checksum: header.checksum,
      recordCount: header.recordCount, isWhole: true)
  }
}

/// The log does not hold what comes behind a mark. Nothing was changed.
package struct LogPositionLost: Error, Equatable, Sendable {
  /// Why, as the end of a sentence.
  package let reason: String
}
