internal import RawBytes

/// Operations on one value, one after the other: what a transaction notes of a key that it merges
/// into and has not read.
///
/// Lives in a write set and nowhere else: the log holds what it came to.
struct MergeProgram {
  private(set) var steps: [MergeStep] = []

  init(_ step: MergeStep) { steps = [step] }

  /// Adds a step behind the others; neighbours of one kind become one, so that a counter that is
  /// raised a thousand times by one transaction stays one step.
  mutating func append(_ step: MergeStep) {
    guard let last = steps.last, let both = Self.joined(last, step) else {
      steps.append(step)
      return
    }
    steps[steps.count - 1] = both
  }

  private static func joined(_ first: MergeStep, _ second: MergeStep) -> MergeStep? {
    switch (first, second) {
    case (.add(let left), .add(let right)):
      let (sum, overflow) = left.addingReportingOverflow(right)
      return overflow ? nil : .add(sum)
    case (.minimum(let left), .minimum(let right)): return .minimum(min(left, right))
    case (.maximum(let left), .maximum(let right)): return .maximum(max(left, right))
    case (.append(let left), .append(let right)): return .append(left + right)
    case (.insert(let left), .insert(let right)) where left == right: return first
    case (.remove(let left), .remove(let right)) where left == right: return first
    default: return nil
    }
  }

  /// The value that a value becomes; nil stands for an absent key, on either side.
  ///
  /// - Throws: the failure of a step.
  func result(on value: [UInt8]?) throws(MergeFailure) -> [UInt8]? {
    var result = value
    for step in steps { result = try step.result(on: result) }
    return result
  }
}

// The bytes in the write set, written and read by this process alone.
extension MergeProgram {
  var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: 32)
    for step in steps {
      buffer.append(integer: step.code)
      switch step {
      case .add(let number), .minimum(let number), .maximum(let number):
        buffer.append(integer: number)
      case .append(let bytes), .insert(let bytes), .remove(let bytes):
        bytes.withByteView { buffer.append(counted: $0) }
      }
    }
    return buffer.view.array
  }

  init(decoding bytes: ByteView) {
    var reader = ByteReader(bytes)
    while reader.remaining > 0 {
      guard let code = reader.integer(UInt8.self), let step = MergeStep(code: code, &reader) else {
        preconditionFailure("a noted merge has changed")
      }
      steps.append(step)
    }
  }
}

extension MergeStep {
  fileprivate var code: UInt8 {
    switch self {
    case .add: 1
    case .minimum: 2
    case .maximum: 3
    case .append: 4
    case .insert: 5
    case .remove: 6
    }
  }

  fileprivate init?(code: UInt8, _ reader: inout ByteReader) {
    if code <= 3 {
      guard let number = reader.integer(Int64.self) else { return nil }
      self = code == 1 ? .add(number) : code == 2 ? .minimum(number) : .maximum(number)
    } else {
      guard let bytes = reader.counted()?.array else { return nil }
      self = code == 4 ? .append(bytes) : code == 5 ? .insert(bytes) : .remove(bytes)
    }
  }
}
