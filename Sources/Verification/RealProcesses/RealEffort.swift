internal import Martlet
internal import RawBytes

/// What the engine did while it was tortured, for the claim that little was left out.
package struct RealEffort: Sendable, Equatable {
  /// The names of the figures, in their order.
  package static let names = [
    "checkpoints", "logSegmentsReused", "evictions", "dirtyEvictions", "handOvers", "splits",
    "merges", "lockWaits", "retries",
  ]

  package var figures: [UInt64]

  package init() { figures = Array(repeating: 0, count: Self.names.count) }

  init(_ statistics: Statistics) {
    figures = [
      statistics.checkpoints, statistics.logSegmentsReused, statistics.evictions,
      statistics.dirtyEvictions, statistics.handOvers, statistics.splits, statistics.merges,
      statistics.lockWaits, statistics.retries,
    ]
  }

  /// What `encoded` made.
  package init(decoding bytes: [UInt8]) {
    self.init()
    bytes.withByteView { view in
      for index in figures.indices where view.count >= 8 * index + 8 {
        figures[index] = view.load(UInt64.self, at: 8 * index)
      }
    }
  }

  var encoded: [UInt8] {
    var bytes: [UInt8] = []
    for figure in figures { bytes.append(figure) }
    return bytes
  }

  package mutating func add(_ other: RealEffort) {
    for index in figures.indices { figures[index] += other.figures[index] }
  }
}
