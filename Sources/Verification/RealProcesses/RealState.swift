/// What is in the database by the steps that are known to be in it.
struct RealState: Sendable {
  /// A step that survived; its timestamp when it is known.
  struct Survivor: Sendable {
    let step: RealStep
    let timestamp: UInt64?
  }

  /// What a register may hold: exactly one of these.
  private typealias Candidates = [RealDump.Value]

  /// Keys of one owner, by keyspace. A keyspace that is not here is not there.
  private var entries: [String: [[UInt8]: RealValue]] = [:]
  private var counters = Array(repeating: 0, count: RealWorkload.counterCount)
  private var registers: [[UInt8]: Candidates] = [:]
  /// What a value looks like in a dump, for values met before.
  private var shown: [RealValue: RealDump.Value] = [:]

  /// Applies steps, those of one thread in their order.
  mutating func apply(_ survivors: [Survivor]) {
    var newest: [[UInt8]: (timestamp: UInt64, value: RealValue)] = [:]
    var unknown: [[UInt8]: [RealValue]] = [:]
    for survivor in survivors {
      switch survivor.step {
      case .create(let name): entries[name] = [:]
      case .drop(let name): entries[name] = nil
      case .commit(let transaction):
        for write in transaction.writes {
          entries[write.keyspace, default: [:]][write.key] = write.value
        }
        for increment in transaction.increments {
          counters[increment.counter] += increment.amount
        }
        for register in transaction.registers {
          guard let value = register.value else { continue }
          if let timestamp = survivor.timestamp {
            if newest[register.key].map({ $0.timestamp < timestamp }) ?? true {
              newest[register.key] = (timestamp, value)
            }
          } else {
            unknown[register.key, default: []].append(value)
          }
        }
      }
    }
    for (key, last) in newest { registers[key] = [RealDump.Value(last.value)] }
    for (key, values) in unknown {
      registers[key, default: []] += values.map { RealDump.Value($0) }
    }
  }

  /// Every difference between what must be there and what is, the first few in words.
  mutating func compare(_ dump: RealDump, requiresKeyspaces: Bool) -> [String] {
    var differences: [String] = []
    for name in RealWorkload.keyspaces where requiresKeyspaces && dump.keyspaces[name] == nil {
      differences.append("keyspace \(name) is gone")
    }
    for (name, found) in dump.keyspaces.sorted(by: { $0.key < $1.key }) {
      guard RealWorkload.keyspaces.contains(name) || entries[name] != nil else {
        differences.append("keyspace \(name) is there, and must not be")
        continue
      }
      var rest = found
      for (key, value) in entries[name] ?? [:] {
        check(rest.removeValue(forKey: key), is: show(value), name, key, &differences)
      }
      compareShared(name, &rest, &differences)
      for key in rest.keys {
        differences.append("\(Self.text(name, key)) is there, and must not be")
      }
    }
    for name in entries.keys where dump.keyspaces[name] == nil {
      differences.append("keyspace \(name) is gone, with \(entries[name]?.count ?? 0) keys")
    }
    guard differences.count > 12 else { return differences.sorted() }
    return differences.sorted().prefix(12) + ["and \(differences.count - 12) more differences"]
  }

  private mutating func compareShared(
    _ name: String, _ rest: inout [[UInt8]: RealDump.Value], _ differences: inout [String]
  ) {
    func number(_ value: RealDump.Value?) -> Int {
      value?.number(at: 0).map { Int(truncatingIfNeeded: $0) } ?? 0
    }
    if name == RealWorkload.counterKeyspace {
      for counter in counters.indices {
        let found = number(rest.removeValue(forKey: RealWorkload.counterKey(counter)))
        if found != counters[counter] {
          differences.append("counter \(counter) is \(found), it must be \(counters[counter])")
        }
      }
    }
    if name == RealWorkload.totalKeyspace {
      let found = number(rest.removeValue(forKey: RealWorkload.totalKey))
      let total = counters.reduce(0, +)
      if found != total { differences.append("the total is \(found), it must be \(total)") }
    }
    if name == RealWorkload.registerKeyspace {
      for (key, candidates) in registers {
        let found = rest.removeValue(forKey: key)
        if !candidates.contains(where: { $0 == found }) {
          differences.append("\(Self.text(name, key)) is not what was written last")
        }
      }
    }
  }

  private mutating func show(_ value: RealValue) -> RealDump.Value {
    if let known = shown[value] { return known }
    let new = RealDump.Value(value)
    shown[value] = new
    return new
  }

  private func check(
    _ found: RealDump.Value?, is expected: RealDump.Value, _ name: String, _ key: [UInt8],
    _ differences: inout [String]
  ) {
    guard let found else { return differences.append("\(Self.text(name, key)) is missing") }
    if found != expected {
      differences.append("\(Self.text(name, key)) has another value than was committed")
    }
  }

  /// From now on a register holds what it was found to hold.
  mutating func settle(_ dump: RealDump) {
    for key in registers.keys {
      if let value = dump.keyspaces[RealWorkload.registerKeyspace]?[key] {
        registers[key] = [value]
      }
    }
    // Values that were written over are never met again.
    if shown.count > 20_000 { shown.removeAll() }
  }

  private static func text(_ name: String, _ key: [UInt8]) -> String {
    "\(name)/\(String(decoding: key, as: UTF8.self))"
  }
}
