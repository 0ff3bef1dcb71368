internal import RawBytes

/// Operations on one value, one after the other: what a transaction has noted of a key when it gives
/// the key its value.
///
/// Applied in one go: what many operations come to is made once, whatever their number. The result is
/// that of applying them one by one, failures included.
struct MergeProgram {
  let steps: [MergeStep]

  /// The value that a value becomes; nil stands for an absent key, on either side.
  ///
  /// - Throws: the failure of the first step that fails.
  /// - Complexity: O(bytes of the value, of the steps and of the result), and sorting what is put
  ///   into a set.
  func result(on value: [UInt8]?) throws(MergeFailure) -> [UInt8]? {
    if steps.count == 1 { return try steps[0].result(on: value) }
    var result = value
    var rest = steps[...]
    while let step = rest.first {
      switch step {
      case .add, .minimum, .maximum:
        result = try step.result(on: result)
        rest = rest.dropFirst()
      case .append:
        var bytes = result ?? []
        result = nil
        while case .append(let more)? = rest.first {
          bytes += more
          rest = rest.dropFirst()
        }
        result = bytes
      case .insert, .remove:
        var change = SetChange()
        while let step = rest.first, change.take(step) { rest = rest.dropFirst() }
        result = try change.result(on: result)
      }
    }
    return result
  }
}

/// What several steps in a row do to a set: of each element the last one counts.
private struct SetChange {
  private var isIn: [[UInt8]: Bool] = [:]
  /// Whether an element was ever put in: that makes a set where there is none.
  private var makesSet = false

  /// False when the step does not change sets.
  mutating func take(_ step: MergeStep) -> Bool {
    switch step {
    case .insert(let element):
      isIn[element] = true
      makesSet = true
    case .remove(let element): isIn[element] = false
    case .add, .minimum, .maximum, .append: return false
    }
    return true
  }

  func result(on value: [UInt8]?) throws(MergeFailure) -> [UInt8]? {
    guard var set = try MergeStep.set(value) ?? (makesSet ? ByteSet() : nil) else { return nil }
    set.change(isIn)
    return set.encoded
  }
}

/// A step in a write set, written and read by this process alone.
///
/// ```
/// │ index + 1 of the write beneath, 4 │ over own value, 1 │ code, 1 │ number, 8, or counted bytes │
/// ```
///
/// Steps of one key form a chain from the newest to the first, so that another one costs what its own
/// bytes cost, and going back to a savepoint cuts the chain where it was.
struct NotedStep {
  /// Which write of the same key came before; nil: none.
  let beneath: Int?
  /// Whether the chain ends at a value, or the removal, that the transaction itself has written.
  let isOverOwnWrite: Bool
  let step: MergeStep

  var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: 32)
    buffer.append(integer: UInt32(beneath.map { $0 + 1 } ?? 0))
    buffer.append(integer: UInt8(isOverOwnWrite ? 1 : 0))
    buffer.append(integer: step.code)
    switch step {
    case .add(let number), .minimum(let number), .maximum(let number):
      buffer.append(integer: number)
    case .append(let bytes), .insert(let bytes), .remove(let bytes):
      bytes.withByteView { buffer.append(counted: $0) }
    }
    return buffer.view.array
  }

  init(beneath: Int?, isOverOwnWrite: Bool, step: MergeStep) {
    self.beneath = beneath
    self.isOverOwnWrite = isOverOwnWrite
    self.step = step
  }

  init(decoding bytes: ByteView) {
    var reader = ByteReader(bytes)
    guard let link = reader.integer(UInt32.self), let flag = reader.integer(UInt8.self),
      let code = reader.integer(UInt8.self), let step = MergeStep(code: code, &reader)
    else { preconditionFailure("a noted merge has changed") }
    beneath = link == 0 ? nil : Int(link) - 1
    isOverOwnWrite = flag == 1
    self.step = step
  }
}

extension MergeStep {
  /// One step that does what two do one after the other; nil where there is none, or where making it
  /// would cost more than keeping both.
  ///
  /// Sums are joined where both have one sign: then the joined step leaves the range of an integer
  /// just where one of the two does.
  func joined(with next: MergeStep) -> MergeStep? {
    switch (self, next) {
    case (.add(let left), .add(let right)):
      guard left == 0 || right == 0 || (left < 0) == (right < 0) else { return nil }
      let (sum, overflow) = left.addingReportingOverflow(right)
      return overflow ? nil : .add(sum)
    case (.minimum(let left), .minimum(let right)): return .minimum(min(left, right))
    case (.maximum(let left), .maximum(let right)): return .maximum(max(left, right))
    case (.insert(let left), .insert(let right)) where left == right: return self
    case (.remove(let left), .remove(let right)) where left == right: return self
    default: return nil
    }
  }

  /// Whether it changes a set.
  var isOfSet: Bool {
    switch self {
    case .insert, .remove: true
    case .add, .minimum, .maximum, .append: false
    }
  }

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
