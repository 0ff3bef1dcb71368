package import Environment

/// What a disk was asked for and what went wrong with it: so that a test can assert that what it
/// tests took place.
package struct DiskCounters: Sendable {
  package private(set) var calls: [FileError.Call: Int] = [:]
  package private(set) var fired: [Fault.Kind: Int] = [:]
  package private(set) var bytesRead = 0
  package private(set) var bytesWritten = 0
  /// Calls that change something, be it bytes, names or durability: the moments at which a power
  /// cut can be asked for. They are numbered from 1.
  package private(set) var changeCount = 0

  package func count(of call: FileError.Call) -> Int { calls[call, default: 0] }

  package func count(of kind: Fault.Kind) -> Int { fired[kind, default: 0] }

  /// Calls of all kinds.
  package var callCount: Int { calls.values.reduce(0, +) }

  mutating func note(_ call: FileError.Call) { calls[call, default: 0] += 1 }

  mutating func note(_ kind: Fault.Kind) { fired[kind, default: 0] += 1 }

  mutating func noteRead(_ byteCount: Int) { bytesRead += byteCount }

  mutating func noteWritten(_ byteCount: Int) { bytesWritten += byteCount }

  mutating func noteChange() { changeCount += 1 }
}
