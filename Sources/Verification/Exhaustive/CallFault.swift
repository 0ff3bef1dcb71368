package import Environment
package import Simulation

/// One call of a life fails, once or from then on, with one of the numbers that it can fail with.
package struct CallFault: Sendable, CustomStringConvertible {
  /// The place of the call among all of the life, from 1.
  package let number: Int
  package let call: FileError.Call
  package let effect: Fault.Effect
  package let isOnce: Bool

  package var description: String {
    "call \(number), \(call), \(effect), \(isOnce ? "once" : "from then on")"
  }

  /// What is declared on the disk.
  package var fault: Fault { Fault(effect, isOnce ? .once(at: number) : .from(number)) }

  /// A directory cannot be synced, and the name cannot be taken away again either: only a process that
  /// goes on with the cache of such a device takes the name for durable. The machine is started again.
  package var endsTheMachine: Bool { call == .syncDirectory && !isOnce }

  /// Whether it can be nothing but a failed look, after which all may go on.
  package var isPassingRead: Bool { isOnce && [.read, .size, .kind, .list].contains(call) }

  /// Every number for every call once, and for each call one of them, in turn, from then on.
  package static func all(of calls: [FileError.Call]) -> [CallFault] {
    var faults: [CallFault] = []
    for (index, call) in calls.enumerated() {
      let numbers = Fault.numbers(of: call)
      var effects = numbers.map { Fault.Effect.fails($0) }
      if call == .write { effects.append(.failsHalfway(Fault.inputOutput)) }
      faults += effects.map { CallFault(number: index + 1, call: call, effect: $0, isOnce: true) }
      let turn = effects[index % effects.count]
      faults.append(CallFault(number: index + 1, call: call, effect: turn, isOnce: false))
    }
    return faults
  }

  /// The calls of a life without faults, in order.
  package static func calls(
    seed: UInt64, on disk: DiskImage = DiskImage(), _ body: (Effects) throws -> Void
  ) throws -> [FileError.Call] {
    var configuration = Simulator.Configuration()
    configuration.keepsTrace = true
    let simulator = Simulator(seed: seed, disk: disk, configuration: configuration)
    try simulator.run(body)
    return simulator.trace.entries.compactMap { FileError.Call($0.call) }
  }
}

extension FileError.Call {
  fileprivate init?(_ call: Trace.Call) {
    switch call {
    case .open: self = .open
    case .createDirectory: self = .createDirectory
    case .list: self = .list
    case .kind: self = .kind
    case .rename: self = .rename
    case .remove: self = .remove
    case .syncDirectory: self = .syncDirectory
    case .lock: self = .lock
    case .read: self = .read
    case .write: self = .write
    case .sync: self = .sync
    case .size: self = .size
    case .truncate: self = .truncate
    case .allocate: self = .allocate
    case .punchHole: self = .punchHole
    default: return nil
    }
  }
}
