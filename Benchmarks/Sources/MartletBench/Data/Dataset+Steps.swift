extension Dataset {
  /// A step for the packed form: which record, and what is added to its balance.
  struct Step: Sendable {
    let record: Int
    let amount: UInt64
  }

  /// `count` transfers between two different records each, drawn by `stream`: what one loses the
  /// other gains.
  /// - Parameter inKeyOrder: whether the lower key always comes first.
  func transfers(count: Int, stream: Int, inKeyOrder: Bool) -> [Step] {
    precondition(recordCount > 1, "a transfer needs two records")
    var generator = SeededGenerator(seed: SeededGenerator.mix(streamSeed(stream) &+ 1))
    var steps: [Step] = []
    steps.reserveCapacity(2 * count)
    for _ in 0..<count {
      let first = Int.random(in: 0..<recordCount, using: &generator)
      let second =
        (first + Int.random(in: 1..<recordCount, using: &generator)) % recordCount
      let amount = UInt64.random(in: 1...100, using: &generator)
      let pair = [Step(record: first, amount: 0 &- amount), Step(record: second, amount: amount)]
      steps += inKeyOrder && second < first ? pair.reversed() : pair
    }
    return steps
  }

  /// Steps as bytes, in their order.
  func packed(_ steps: some Collection<Step>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(steps.count * Steps.byteCount)
    for step in steps {
      appendKey(step.record, to: &bytes)
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: step.amount.littleEndian >> UInt64(shift)))
      }
    }
    return bytes
  }

  /// The checksum of a scan over all records after these steps.
  func checksum(after steps: some Sequence<Step>) -> Checksum {
    var records = records(of: ascendingOrder)
    for step in steps {
      let offset = step.record * RecordShape.byteCount + RecordShape.keyByteCount
      // SAFETY: the record lies within the bytes.
      unsafe records.withUnsafeMutableBytes { bytes in
        unsafe Steps.add(step.amount, to: bytes.baseAddress! + offset)
      }
    }
    var checksum = Checksum()
    // SAFETY: every byte of an array of bytes is initialized.
    let bytes = unsafe records.span.bytes
    for offset in stride(from: 0, to: bytes.byteCount, by: RecordShape.byteCount) {
      let record = bytes.extracting(offset..<offset + RecordShape.byteCount)
      checksum.add(
        key: record.extracting(first: RecordShape.keyByteCount),
        value: record.extracting(droppingFirst: RecordShape.keyByteCount))
    }
    return checksum
  }
}
