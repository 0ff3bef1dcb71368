/// Who wrote what: every write of a history by its key and value, and a number for every key.
///
/// - Invariant HI1: a value is written to a key once at most.
struct WriteIndex {
  struct Write {
    let transaction: Int32
    let key: Int32
    let value: Int
    /// Whether its transaction wrote the key no more afterwards.
    var isFinal = true
  }

  private struct Version: Hashable {
    let key: Int32
    let value: Int
  }

  /// The writes, in the order of the transactions and of their steps.
  private(set) var writes: [Write] = []
  /// Where the writes of a transaction begin.
  private(set) var starts: [Int32] = []
  /// The key of a number.
  private(set) var keys: [Int] = []
  /// The numbers of the keys, in the order of the keys.
  private(set) var ordered: [Int32] = []
  /// Whether a key holds a list.
  private(set) var isList: [Bool] = []
  private var numbers: [Int: Int32] = [:]
  private var versions: [Version: Int32] = [:]

  /// - Throws: `HistoryError` when a value is written twice, or when a key is a list and a register.
  init(_ history: History) throws(HistoryError) {
    starts.reserveCapacity(history.transactions.count + 1)
    var isRegister: [Bool] = []
    var lastWrite: [Int32] = []
    func noted(_ key: Int) -> Int32 {
      if let number = numbers[key] { return number }
      let number = Int32(keys.count)
      numbers[key] = number
      keys.append(key)
      isList.append(false)
      isRegister.append(false)
      lastWrite.append(-1)
      return number
    }
    func note(_ key: Int, _ value: HistoryValue?) {
      let number = Int(noted(key))
      switch value {
      case .list: isList[number] = true
      case .register: isRegister[number] = true
      case .absent, nil: break
      }
    }
    for (index, transaction) in history.transactions.enumerated() {
      starts.append(Int32(writes.count))
      for operation in transaction.operations {
        switch operation {
        case .read(let key, let value): note(key, value)
        case .scan(_, _, let entries): for entry in entries ?? [] { note(entry.key, entry.value) }
        case .append(let key, let value), .write(let key, let value):
          let number = noted(key)
          if case .append = operation {
            isList[Int(number)] = true
          } else {
            isRegister[Int(number)] = true
          }
          let place = Int32(writes.count)
          if let other = versions.updateValue(place, forKey: Version(key: number, value: value)) {
            throw HistoryError(
              "\(value) is written to key \(key) twice, by T\(writes[Int(other)].transaction) "
                + "and T\(index): a read could not tell which it saw")
          }
          let last = lastWrite[Int(number)]
          if last >= starts[index] { writes[Int(last)].isFinal = false }
          lastWrite[Int(number)] = place
          writes.append(Write(transaction: Int32(index), key: number, value: value))
        }
      }
    }
    starts.append(Int32(writes.count))
    for number in keys.indices where isList[number] && isRegister[number] {
      throw HistoryError("key \(keys[number]) is used as a list and as a register")
    }
    ordered = keys.indices.sorted { keys[$0] < keys[$1] }.map { Int32($0) }
  }

  /// The number of a key that occurs in the history.
  func number(of key: Int) -> Int { Int(numbers[key] ?? -1) }

  /// The write of a value to the key of a number.
  func write(_ value: Int, to number: Int) -> Int? {
    versions[Version(key: Int32(number), value: value)].map(Int.init)
  }

  /// The numbers of the keys from `lower` up to, and without, `upper`, in order.
  func numbers(from lower: Int, to upper: Int) -> ArraySlice<Int32> {
    let first = firstPlace(atLeast: lower)
    return ordered[first..<max(first, firstPlace(atLeast: upper))]
  }

  private func firstPlace(atLeast key: Int) -> Int {
    var low = 0
    var high = ordered.count
    while low < high {
      let middle = (low + high) / 2
      if keys[Int(ordered[middle])] < key { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
