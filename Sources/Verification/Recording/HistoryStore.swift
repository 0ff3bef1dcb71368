internal import Martlet

/// Lists and registers in a keyspace.
///
/// Keys are stored so that their bytes sort as the numbers do; a register in eight bytes, a list in
/// eight bytes for each element behind a mark.
enum HistoryStore {
  private static let listMark: UInt8 = 0x6C

  static func key(_ key: Int) -> [UInt8] {
    let bits = UInt64(bitPattern: Int64(key)) ^ 1 << 63
    return (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
  }

  private static func number(_ key: RawSpan) -> Int {
    var bits: UInt64 = 0
    for offset in 0..<key.byteCount { bits = bits << 8 | UInt64(byte(key, offset)) }
    return Int(Int64(bitPattern: bits ^ 1 << 63))
  }

  private static func byte(_ span: RawSpan, _ offset: Int) -> UInt8 {
    // SAFETY: the offset is checked, and any byte is a UInt8.
    unsafe span.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// Performs a step and tells what it did and what it was answered.
  static func perform(
    _ step: WorkloadThread.Step, _ transaction: borrowing Transaction, _ keyspace: Keyspace
  ) throws -> [HistoryOperation] {
    switch step {
    case .append(let key, let value):
      let stored = Self.key(key)
      // An append is one operation. Where a level lets an update of what was read be lost, it says
      // that it will write; above, reading first is one more way to meet.
      let list =
        try transaction.isolation < .repeatableRead
        ? transaction.getForUpdate(stored, in: keyspace) : transaction.get(stored, in: keyspace)
      let bytes = (list ?? [listMark]) + encode(value)
      try transaction.set(bytes, for: stored, in: keyspace)
      return [.append(key: key, value: value)]
    case .write(let key, let value):
      try transaction.set(value, for: Self.key(key), in: keyspace)
      return [.write(key: key, value: value)]
    case .read(let key): return [.read(key: key, try read(key, transaction, keyspace))]
    case .scan(let range): return [try scan(range, transaction, keyspace)]
    case .transfer(let from, let to, let amount):
      var operations: [HistoryOperation] = []
      var balances: [Int] = []
      for account in [from, to] {
        let value = try read(account, transaction, keyspace)
        operations.append(.read(key: account, value))
        if case .register(let balance) = value { balances.append(balance) }
      }
      guard balances.count == 2, balances[0] >= amount else { return operations }
      for (account, balance) in [(from, balances[0] - amount), (to, balances[1] + amount)] {
        try transaction.set(balance, for: Self.key(account), in: keyspace)
        operations.append(.write(key: account, value: balance))
      }
      return operations
    }
  }

  private static func read(
    _ key: Int, _ transaction: borrowing Transaction, _ keyspace: Keyspace
  ) throws -> HistoryValue {
    try transaction.withBytes(for: Self.key(key), in: keyspace) { value($0) } ?? .absent
  }

  private static func scan(
    _ range: Range<Int>, _ transaction: borrowing Transaction, _ keyspace: Keyspace
  ) throws -> HistoryOperation {
    var entries: [HistoryEntry] = []
    try transaction.forEach(
      in: keyspace, .range(from: key(range.lowerBound), to: key(range.upperBound))
    ) { key, bytes in
      entries.append(HistoryEntry(number(key), value(bytes)))
      return .continue
    }
    return .scan(lower: range.lowerBound, upper: range.upperBound, entries)
  }

  private static func encode(_ value: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func value(_ bytes: RawSpan) -> HistoryValue {
    func integer(_ offset: Int) -> Int {
      (0..<8).reduce(0) { $0 | Int(byte(bytes, offset + $1)) << (8 * $1) }
    }
    if bytes.byteCount == 8 { return .register(integer(0)) }
    return .list(stride(from: 1, to: bytes.byteCount - 7, by: 8).map(integer))
  }
}

extension WorkloadThread.Step {
  /// What is asked, before it is answered.
  var asked: [HistoryOperation] {
    switch self {
    case .append(let key, let value): [.append(key: key, value: value)]
    case .write(let key, let value): [.write(key: key, value: value)]
    case .read(let key): [.read(key: key, nil)]
    case .scan(let range): [.scan(lower: range.lowerBound, upper: range.upperBound, nil)]
    case .transfer(let from, let to, _): [.read(key: from, nil), .read(key: to, nil)]
    }
  }
}

extension HistoryWorkload {
  /// What tells the checker which invariant to hold the transactions against.
  var function: String? {
    switch kind {
    case .listAppend, .register: nil
    case .bank: BankInvariant.function
    case .longFork: LongForkInvariant.function
    }
  }
}

extension ConsistencyModel {
  /// The model that a level of the engine promises.
  init(_ level: IsolationLevel) {
    switch level {
    case .readUncommitted: self = .readUncommitted
    case .readCommitted: self = .readCommitted
    case .repeatableRead: self = .repeatableRead
    case .snapshot: self = .snapshotIsolation
    case .serializable: self = .serializable
    case .strictSerializable: self = .strictSerializable
    }
  }
}
