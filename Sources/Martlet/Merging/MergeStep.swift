internal import RawBytes

/// What a merge operation does to a value.
enum MergeStep: Sendable, Hashable {
  case add(Int64)
  case minimum(Int64)
  case maximum(Int64)
  case append([UInt8])
  case insert([UInt8])
  case remove([UInt8])
}

/// Why a merge has no result.
enum MergeFailure: Error, Hashable, Sendable {
  /// The value has so many bytes and is no integer.
  case notAnInteger(byteCount: Int)
  /// The value has so many bytes and is no set.
  case notASet(byteCount: Int)
  /// Two numbers have no sum in 64 bits.
  case overflow(Int64, Int64)
}

extension MergeStep {
  /// The value that a value becomes; nil stands for an absent key, on either side.
  func result(on value: [UInt8]?) throws(MergeFailure) -> [UInt8]? {
    switch self {
    case .add(let difference):
      let number = try Self.number(value) ?? 0
      let (sum, overflow) = number.addingReportingOverflow(difference)
      if overflow { throw .overflow(number, difference) }
      return Self.bytes(of: sum)
    case .minimum(let bound): return Self.bytes(of: min(try Self.number(value) ?? bound, bound))
    case .maximum(let bound): return Self.bytes(of: max(try Self.number(value) ?? bound, bound))
    case .append(let bytes): return (value ?? []) + bytes
    case .insert(let element):
      var set = try Self.set(value) ?? ByteSet()
      set.insert(element)
      return set.encoded
    case .remove(let element):
      guard var set = try Self.set(value) else { return nil }
      set.remove(element)
      return set.encoded
    }
  }

  private static func number(_ value: [UInt8]?) throws(MergeFailure) -> Int64? {
    guard let value else { return nil }
    guard value.count == 8 else { throw .notAnInteger(byteCount: value.count) }
    return value.withByteView { $0.load(Int64.self, at: 0) }
  }

  private static func bytes(of number: Int64) -> [UInt8] {
    unsafe withUnsafeBytes(of: number.littleEndian) { unsafe [UInt8]($0) }
  }

  static func set(_ value: [UInt8]?) throws(MergeFailure) -> ByteSet? {
    guard let value else { return nil }
    guard let set = ByteSet(encoded: value) else { throw .notASet(byteCount: value.count) }
    return set
  }
}
