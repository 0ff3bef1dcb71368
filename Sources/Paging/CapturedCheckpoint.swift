package import Primitives

/// A checkpoint that has its moment and still has to be written: hand it to `Pager.write`. If it
/// goes away unwritten, the attempt is given up.
package struct CapturedCheckpoint: ~Copyable {
  /// The generation it will be when it succeeds; used up when it does not.
  package let generation: Generation
  let epoch: UInt64
  let timestamp: Timestamp
  let ownerState: [UInt8]
  let rootTable: [UInt8]
  private let pager: Pager

  init(
    generation: Generation, epoch: UInt64, timestamp: Timestamp, ownerState: [UInt8],
    rootTable: [UInt8], pager: Pager
  ) {
    self.generation = generation
    self.epoch = epoch
    self.timestamp = timestamp
    self.ownerState = ownerState
    self.rootTable = rootTable
    self.pager = pager
  }

  deinit { pager.abandon(generation) }
}
