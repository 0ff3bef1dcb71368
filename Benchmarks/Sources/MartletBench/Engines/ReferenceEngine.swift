import Foundation
import Synchronization

/// A dictionary in memory: slow, and too simple to be wrong.
///
/// It takes part only when asked for. When two engines disagree about a checksum, it says which of
/// them is right.
final class ReferenceEngine: Engine {
  fileprivate let values = Mutex<[Key: [UInt8]]>([:])

  /// Sixteen bytes as two big-endian words, so that words order as bytes do.
  fileprivate struct Key: Hashable, Comparable {
    let high: UInt64
    let low: UInt64

    init(_ bytes: RawSpan) {
      // SAFETY: the caller hands in `RecordShape.keyByteCount` bytes, and each load checks.
      high = unsafe bytes.unsafeLoadUnaligned(as: UInt64.self).bigEndian
      low = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self).bigEndian
    }

    var bytes: [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
        + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
    }

    static func < (left: Key, right: Key) -> Bool {
      (left.high, left.low) < (right.high, right.low)
    }
  }

  func makeSession() -> any EngineSession { ReferenceSession(engine: self) }
  func settle() {}
  func close() {}
  func role(ofFile name: String) -> FileRole { .other }
}

private final class ReferenceSession: EngineSession {
  let engine: ReferenceEngine

  init(engine: ReferenceEngine) {
    self.engine = engine
  }

  func write(_ records: RawSpan) {
    var pairs: [(ReferenceEngine.Key, [UInt8])] = []
    for offset in stride(from: 0, to: records.byteCount, by: RecordShape.byteCount) {
      let record = records.extracting(offset..<offset + RecordShape.byteCount)
      let value = record.extracting(droppingFirst: RecordShape.keyByteCount)
      pairs.append((ReferenceEngine.Key(record), unsafe value.withUnsafeBytes(Array.init)))
    }
    engine.values.withLock { values in
      for (key, value) in pairs { values[key] = value }
    }
  }

  func read(_ keys: RawSpan, into checksum: inout Checksum) throws {
    for offset in stride(from: 0, to: keys.byteCount, by: RecordShape.keyByteCount) {
      let key = ReferenceEngine.Key(keys.extracting(offset..<offset + RecordShape.keyByteCount))
      guard let value = engine.values.withLock({ $0[key] }) else {
        throw BenchmarkError.missingKey(engine: "reference")
      }
      // SAFETY: every byte of an array of bytes is initialized.
      unsafe checksum.add(value.span.bytes)
    }
  }

  func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int {
    try engine.values.withLock { values in
      try unsafe Steps.forEach(steps) { key, amount in
        let key = unsafe ReferenceEngine.Key(key.bytes)
        guard values[key] != nil else { throw BenchmarkError.missingKey(engine: "reference") }
        unsafe values[key]?.withUnsafeMutableBytes {
          unsafe Steps.add(amount, to: $0.baseAddress!)
        }
      }
    }
    return 1
  }

  func scan(into checksum: inout Checksum) {
    for (key, value) in engine.values.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
      // SAFETY: every byte of an array of bytes is initialized.
      unsafe checksum.add(key: key.bytes.span.bytes, value: value.span.bytes)
    }
  }
}
