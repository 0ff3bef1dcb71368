package import RawBytes

/// Why bytes are not a batch of their segment.
package enum BatchFault: String, Error, Sendable, Hashable {
  case missing = "no batch"
  case foreignSalt = "a batch with another salt"
  case length = "a batch longer than its segment"
  case checksum = "a batch with a bad checksum"
  case form = "a batch with unknown flags"
}

/// The checks of one batch by itself: what it is without its neighbours. `BatchChain` judges the
/// rest.
package enum BatchReading {
  /// Reads the fields of the batch at the beginning of a block, as far as they can be believed
  /// without its payload. `room` is how many bytes the segment has from here on.
  package static func header(
    of block: ByteView, salt: UInt64, room: Int
  ) throws(BatchFault) -> BatchHeader {
    guard let header = BatchHeader(peeking: block) else { throw .missing }
    guard header.salt == salt else { throw .foreignSalt }
    guard header.storedByteCount <= room else { throw .length }
    return header
  }

  /// Checks a whole batch, from its first byte through its payload at least, against its header.
  package static func check(_ batch: ByteView, _ header: BatchHeader) throws(BatchFault) {
    guard batch.count >= BatchHeader.byteCount + Int(header.payloadByteCount) else {
      throw .length
    }
    let checksum = BatchHeader.checksum(
      of: batch, payloadByteCount: Int(header.payloadByteCount))
    guard checksum == header.checksum else { throw .checksum }
    guard header.flags.isSubset(of: .known), batch.load(UInt16.self, at: 6) == 0 else {
      throw .form
    }
  }
}
