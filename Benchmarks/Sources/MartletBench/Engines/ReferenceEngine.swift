import Foundation
import Synchronization

/// A dictionary in memory: slow, and too simple to be wrong.
///
/// It takes part only when asked for. When two engines disagree about a checksum, it says which of
/// them is right.
final class ReferenceEngine: Engine {
  fileprivate let records = Mutex(Records())

  /// The records, and their keys in order when somebody scanned since the last key was added.
  fileprivate struct Records {
    private(set) var values: [Key: [UInt8]] = [:]
    private var sorted: [Key]?

    mutating func set(_ key: Key, _ value: [UInt8]) {
      if values.updateValue(value, forKey: key) == nil { sorted = nil }
    }

    mutating func add(_ amount: UInt64, to key: Key) {
      // SAFETY: values have `RecordShape.valueByteCount` bytes.
      unsafe values[key]?.withUnsafeMutableBytes {
        unsafe Steps.add(amount, to: $0.baseAddress!)
      }
    }

    mutating func keys(from start: Key?, limit: Int) -> ArraySlice<Key> {
      let keys = sorted ?? values.keys.sorted()
      sorted = keys
      var low = 0
      var high = start == nil ? 0 : keys.count
      while low < high {
        let middle = (low + high) / 2
        if let start, keys[middle] < start { low = middle + 1 } else { high = middle }
      }
      return keys[low...].prefix(limit)
    }
  }

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
    engine.records.withLock { records in
      for (key, value) in pairs { records.set(key, value) }
    }
  }

  func read(_ keys: RawSpan, into checksum: inout Checksum) throws {
    for offset in stride(from: 0, to: keys.byteCount, by: RecordShape.keyByteCount) {
      let key = ReferenceEngine.Key(keys.extracting(offset..<offset + RecordShape.keyByteCount))
      guard let value = engine.records.withLock({ $0.values[key] }) else {
        throw BenchmarkError.missingKey(engine: "reference")
      }
      // SAFETY: every byte of an array of bytes is initialized.
      unsafe checksum.add(value.span.bytes)
    }
  }

  func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int {
    try engine.records.withLock { records in
      try unsafe Steps.forEach(steps) { key, amount in
        let key = unsafe ReferenceEngine.Key(key.bytes)
        guard records.values[key] != nil else {
          throw BenchmarkError.missingKey(engine: "reference")
        }
        records.add(amount, to: key)
      }
    }
    return 1
  }

  func scan(into checksum: inout Checksum) {
    scan(from: nil, limit: .max, into: &checksum)
  }

  func scan(from key: RawSpan, limit: Int, into checksum: inout Checksum) {
    scan(from: ReferenceEngine.Key(key), limit: limit, into: &checksum)
  }

  private func scan(from key: ReferenceEngine.Key?, limit: Int, into checksum: inout Checksum) {
    let found = engine.records.withLock { records in
      records.keys(from: key, limit: limit).map { ($0, records.values[$0] ?? []) }
    }
    for (key, value) in found {
      // SAFETY: every byte of an array of bytes is initialized.
      unsafe checksum.add(key: key.bytes.span.bytes, value: value.span.bytes)
    }
  }
}
