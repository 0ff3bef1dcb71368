import Foundation

/// The rounds of both, and what the one is to the other.
struct ReplicatedPutsReport: Codable {
  let clients: Int
  let valueSize: Int
  let martlet: [PutFigures]
  let etcd: [PutFigures]

  /// Round by round, as both ran next to each other.
  private var ratios: [Double] {
    zip(martlet, etcd).map { $0.putsPerSecond / $1.putsPerSecond }
  }

  func print(asJSON: Bool) throws {
    if asJSON {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      return Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
    Swift.print(
      "durable puts of \(valueSize) bytes, \(clients) clients, three replicas on one machine; "
        + "median (least to greatest) of \(martlet.count) rounds")
    show("martlet, one process", martlet)
    show("etcd, three processes over loopback", etcd)
    guard let ratio = Spread(ratios) else { return }
    Swift.print(
      String(
        format: "martlet to etcd: %.2f times (%.2f to %.2f); asked for: 3", ratio.median,
        ratio.minimum, ratio.maximum))
  }

  private func show(_ name: String, _ rounds: [PutFigures]) {
    guard let puts = Spread(rounds.map(\.putsPerSecond)),
      let mean = Spread(rounds.map(\.meanLatency)),
      let greatest = Spread(rounds.map(\.greatestLatency))
    else { return }
    Swift.print(
      String(
        format: "  %@: %.0f puts/s (%.0f to %.0f), %.2f ms each, %.0f ms at most", name,
        puts.median, puts.minimum, puts.maximum, mean.median, greatest.maximum))
  }
}
