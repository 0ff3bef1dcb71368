import Environment
import Primitives
import Simulation

/// A world whose machines send each other numbered frames, for tests of what befalls them.
struct Letters {
  static let millisecond: UInt64 = 1_000_000
  static let second: UInt64 = 1_000_000_000

  static func node(_ machine: Int) -> NodeID { NodeID(high: 7, low: UInt64(machine)) }

  /// One frame that arrived.
  struct Arrival: Hashable {
    let from: Int
    let to: Int
    let bytes: [UInt8]
    let moment: UInt64

    /// The number that the frame was sent with, if it is whole.
    var number: Int? { bytes.count == 2 ? Int(bytes[0]) | Int(bytes[1]) << 8 : nil }
  }

  let world: World
  let arrivals = Shared<[Arrival]>([])
  let transports = Shared<[Int: any Transport]>([:])

  init(seed: UInt64, machineCount: Int = 3) {
    var configuration = Simulator.Configuration()
    configuration.keepsTrace = true
    world = World(seed: seed, machineCount: machineCount, configuration: configuration)
  }

  func start(_ machine: Int) {
    let transport = world.machines[machine].start().transport(as: Self.node(machine))
    transports.value[machine] = transport
    transport.receive(as: Self.node(machine)) { [world, arrivals] from, bytes in
      arrivals.value.append(
        Arrival(from: Int(from.low), to: machine, bytes: bytes, moment: world.now))
    }
  }

  func stop(_ machine: Int, _ ending: Machine.Ending = .kill) {
    world.machines[machine].stop(ending)
    transports.value[machine]?.receive(as: Self.node(machine), nil)
    world.machines[machine].finish(seed: 1)
  }

  func send(_ number: Int, from: Int, to: Int) {
    transports.value[from]?.send(
      [UInt8(number & 255), UInt8(number >> 8)], to: Self.node(to))
  }

  /// Starts all machines, lets a body go on, waits, and stops all.
  func run(settling: UInt64 = 5 * second, _ body: () throws -> Void) rethrows {
    try world.run { _ in
      for machine in world.machines { start(machine.number) }
      defer { for machine in world.machines where machine.life != nil { stop(machine.number) } }
      try body()
      world.sleep(forNanoseconds: settling)
    }
  }

  /// Sends so many frames from one machine to another, a millisecond apart.
  func sendMany(_ count: Int, from: Int = 0, to: Int = 1) {
    for number in 0..<count {
      send(number, from: from, to: to)
      world.sleep(forNanoseconds: Self.millisecond)
    }
  }

  func numbers(from: Int = 0, to: Int = 1) -> [Int?] {
    arrivals.value.filter { $0.from == from && $0.to == to }.map(\.number)
  }
}
