/// Limits of values that do not fit beside their key.
enum LargeValue {
  /// The largest value that is lent or returned whole: 16 MiB.
  static let lendingLimit = 16 << 20

  /// Bytes of a large value in one log record.
  static let continuationByteCount = 256 << 10

  /// Appended and not yet durable bytes of large values at which their writer waits for the log,
  /// so that memory stays bounded.
  static let unflushedLimit = 4 << 20
}
