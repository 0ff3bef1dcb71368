import Foundation

/// Three etcd processes that speak over loopback, and h2load as their client.
final class EtcdCluster {
  private let binaries: URL
  private var processes: [Process] = []
  private static let clientPorts = [23791, 23792, 23793]

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// One round: makes the cluster, puts for so long at its leader, and takes it away again.
  static func measure(
    binaries: URL, in folder: URL, clients: Int, valueSize: Int, seconds: Int
  ) throws -> PutFigures {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let cluster = try EtcdCluster(binaries: binaries, in: folder)
    defer {
      cluster.stop()
      try? FileManager.default.removeItem(at: folder)
    }
    let port = try cluster.leaderPort()
    let body = folder.appending(path: "put")
    try putRequest(valueSize: valueSize).write(to: body)
    let output = try run(
      URL(filePath: "/usr/bin/env"),
      [
        "h2load", "-D", "\(seconds)", "-c", "\(clients)", "-m", "1", "-t", "1", "-d", body.path,
        "-H", "content-type: application/grpc", "-H", "te: trailers",
        "http://127.0.0.1:\(port)/etcdserverpb.KV/Put",
      ])
    return try figures(from: output)
  }

  private init(binaries: URL, in folder: URL) throws {
    self.binaries = binaries
    let members = Self.clientPorts.map { "n\($0)=http://127.0.0.1:\($0 + 10)" }
    for port in Self.clientPorts {
      let process = Process()
      process.executableURL = binaries.appending(path: "etcd")
      process.arguments = [
        "--name", "n\(port)", "--data-dir", folder.appending(path: "n\(port)").path,
        "--listen-client-urls", "http://127.0.0.1:\(port)",
        "--advertise-client-urls", "http://127.0.0.1:\(port)",
        "--listen-peer-urls", "http://127.0.0.1:\(port + 10)",
        "--initial-advertise-peer-urls", "http://127.0.0.1:\(port + 10)",
        "--initial-cluster", members.joined(separator: ","), "--initial-cluster-state", "new",
        "--log-level", "fatal",
      ]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      processes.append(process)
    }
  }

  private func stop() {
    for process in processes {
      process.terminate()
      process.waitUntilExit()
    }
  }

  /// Waits until there is a leader, and says where it listens.
  private func leaderPort() throws -> Int {
    let endpoints = Self.clientPorts.map { "http://127.0.0.1:\($0)" }.joined(separator: ",")
    for _ in 0..<100 {
      let output =
        (try? Self.run(
          binaries.appending(path: "etcdctl"),
          ["--endpoints", endpoints, "--command-timeout", "1s", "endpoint", "status"])) ?? ""
      // Lines of: endpoint, id, version, size, whether it leads, …
      for line in output.split(separator: "\n") {
        let fields = line.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        if fields.count > 4, fields[4] == "true", let port = fields[0].split(separator: ":").last {
          return Int(port) ?? 0
        }
      }
      Thread.sleep(forTimeInterval: 0.1)
    }
    throw Failure(description: "no member of the etcd cluster leads after ten seconds")
  }

  /// A PutRequest (field 1 the key, field 2 the value) in the frame of gRPC. Every put has the same
  /// key: h2load sends one body. That suits etcd, whose index then stays small.
  private static func putRequest(valueSize: Int) -> Data {
    func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
      var length: [UInt8] = []
      var rest = bytes.count
      repeat {
        length.append(UInt8(rest & 127) | (rest > 127 ? 128 : 0))
        rest >>= 7
      } while rest > 0
      return [number << 3 | 2] + length + bytes
    }
    let key = [UInt8](repeating: UInt8(ascii: "k"), count: 16)
    let value = [UInt8](repeating: UInt8(ascii: "v"), count: valueSize)
    let message = field(1, key) + field(2, value)
    let length = unsafe withUnsafeBytes(of: UInt32(message.count).bigEndian) { unsafe Array($0) }
    return Data([0] + length + message)
  }

  private static func run(_ program: URL, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  /// "finished in 2.41s, 2493.18 req/s, …", "requests: … N succeeded, N failed …" and
  /// "time for request: least greatest mean …".
  private static func figures(from output: String) throws -> PutFigures {
    guard let rate = output.firstMatch(of: /finished in [0-9.]+m?s, ([0-9.]+) req\/s/),
      let counts = output.firstMatch(of: /([0-9]+) succeeded, ([0-9]+) failed/),
      let times = output.firstMatch(
        of: /time for request: +([0-9.]+[mu]?s) +([0-9.]+[mu]?s) +([0-9.]+[mu]?s)/),
      let puts = Double(rate.1), counts.2 == "0", counts.1 != "0"
    else { throw Failure(description: "h2load (Debian package nghttp2-client) says:\n\(output)") }
    return PutFigures(
      putsPerSecond: puts, meanLatency: milliseconds(times.3),
      greatestLatency: milliseconds(times.2))
  }

  private static func milliseconds(_ text: Substring) -> Double {
    let number = Double(text.prefix { $0.isNumber || $0 == "." }) ?? 0
    if text.hasSuffix("us") { return number / 1_000 }
    return text.hasSuffix("ms") ? number : number * 1_000
  }
}
