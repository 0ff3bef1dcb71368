internal import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

extension RedoLog {
  /// Reads every batch of every segment, kept ones included, up to the newest durable one from the
  /// device, while the log goes on, and reports what is not as it was written.
  ///
  /// Of kept segments the oldest may have lost the one behind them, when a crash cut their disposal
  /// off: that is a position lost to followers and no damage.
  ///
  /// - Returns: how many batches are sound.
  /// - Throws: when a file cannot be read.
  @discardableResult
  package func verify(report: (CorruptionError) -> Void) throws(LogError) -> UInt64 {
    let (live, mark, liveCount) = pinSegments()
    let end = mark.number
    defer { unpinSegments() }
    var sound: UInt64 = 0
    var chain = BatchChain()
    let keptCount = live.count - liveCount
    for (index, entry) in live.enumerated() {
      var reader = SegmentReader(entry.segment)
      var offset = SegmentHeader.blockByteCount
      var endsInDamage = false
      while chain.last?.number != end {
        let reading = try reader.batch(at: offset)
        let found = problem(reading, chain)
        if found == nil, case .success(let batch) = reading {
          chain.advance(over: batch.header)
          sound += 1
          offset += batch.header.storedByteCount
          continue
        }
        endsInDamage = reading.isDamage
        // Only in the newest segment must a batch be here; else it may be in the next one.
        let next = try reader.firstBatch(from: offset) { chain.provesLoss($0) && $0.number <= end }
        let isLast = index + 1 == live.count
        if next != nil || isLast {
          report(damage(entry.segment, offset, chain, found ?? "nothing"))
        }
        guard let next else { break }
        chain = BatchChain()
        offset = next.offset
      }
      if chain.last?.number == end { break }
      guard index + 1 < live.count else { break }
      var following = SegmentReader(live[index + 1].segment)
      let first = try following.batch(at: SegmentHeader.blockByteCount)
      if let found = problem(first, chain) {
        let isGap = index + 1 < keptCount && !endsInDamage && !first.isFailure
        if !isGap {
          report(damage(live[index + 1].segment, SegmentHeader.blockByteCount, chain, found))
        }
        chain = BatchChain()
      }
    }
    return sound
  }

  private func problem(
    _ reading: Result<SegmentReader.Found, BatchFault>, _ chain: BatchChain
  ) -> String? {
    switch reading {
    case .failure(let fault): fault.rawValue
    case .success(let batch): chain.fault(of: batch.header)?.rawValue
    }
  }

  private func damage(
    _ segment: LogSegment, _ offset: Int, _ chain: BatchChain, _ found: String
  ) -> CorruptionError {
    CorruptionError(
      location: "\(segment.path), offset \(offset), log batch",
      expected: chain.last.map { "batch \($0.number &+ 1)" } ?? "a batch", found: found)
  }
}

extension Result<SegmentReader.Found, BatchFault> {
  /// Whether there is no sound batch.
  fileprivate var isFailure: Bool { if case .failure = self { true } else { false } }

  /// Whether there is what was a batch of this segment.
  fileprivate var isDamage: Bool { if case .failure(.checksum) = self { true } else { false } }
}
