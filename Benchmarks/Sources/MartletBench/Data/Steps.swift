/// What a transaction changes: packed steps, each a key and the amount to add to its balance.
///
/// A balance is the number in the first eight bytes of a value. It wraps around, so that any order
/// of the same steps ends in the same state: a change that an engine lost or made twice is found in
/// the checksum of all records.
enum Steps {
  static let byteCount = RecordShape.keyByteCount + 8

  /// Why a value is read: engines with locks take another one when they know that it is changed.
  enum Intent: Sendable {
    case plain
    case forUpdate
  }

  /// Hands every step's key and amount to `body`, in order.
  @inline(__always)
  static func forEach(
    _ steps: RawSpan, _ body: (_ key: UnsafeRawBufferPointer, _ amount: UInt64) throws -> Void
  ) rethrows {
    // SAFETY: steps are packed: each lies within the bytes. The keys are lent for the call.
    try unsafe steps.withUnsafeBytes { bytes in
      for offset in stride(from: 0, to: bytes.count, by: byteCount) {
        let split = offset + RecordShape.keyByteCount
        let amount = unsafe bytes.loadUnaligned(fromByteOffset: split, as: UInt64.self)
        try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[offset..<split]), amount)
      }
    }
  }

  /// Adds an amount to the balance at the beginning of a value.
  @inline(__always)
  static func add(_ amount: UInt64, to value: UnsafeMutableRawPointer) {
    // SAFETY: the caller's value has `RecordShape.valueByteCount` bytes.
    unsafe value.storeBytes(
      of: value.loadUnaligned(as: UInt64.self) &+ amount, as: UInt64.self)
  }
}

/// The memory in which a session changes a value between reading and writing it.
///
/// SAFETY: allocated as long as the object; only its session touches it.
@safe
final class ValueScratch {
  let bytes: UnsafeMutableRawBufferPointer

  init() {
    unsafe bytes = .allocate(byteCount: RecordShape.valueByteCount, alignment: 8)
  }

  deinit { unsafe bytes.deallocate() }

  /// Copies a value here and adds an amount to its balance.
  @inline(__always)
  func take(_ value: UnsafeRawBufferPointer, adding amount: UInt64) {
    unsafe bytes.copyMemory(from: value)
    unsafe Steps.add(amount, to: bytes.baseAddress!)
  }
}
