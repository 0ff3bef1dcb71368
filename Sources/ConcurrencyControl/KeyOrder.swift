/// The bytewise order of keys.
enum KeyOrder {
  /// Whether one key stands before another.
  @inline(__always)
  static func precedes(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    let common = Swift.min(left.count, right.count)
    var index = 0
    while index < common {
      let (leftByte, rightByte) = (left[index], right[index])
      if leftByte != rightByte { return leftByte < rightByte }
      index += 1
    }
    return left.count < right.count
  }

  static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    precedes(left.span, right.span)
  }

  /// The first index of a range for which a condition does not hold, when it holds for a first
  /// part of the range and for nothing behind it.
  @inline(__always)
  static func partition(_ range: Range<Int>, where isBefore: (Int) -> Bool) -> Int {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = low + (high - low) / 2
      if isBefore(middle) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
