import Martlet
import MartletCommands
import RawBytes
import Synchronization

extension FuzzTarget {
  /// Lines of `martlet drive` against a database in memory: one reply to each line that is not
  /// blank, each of them JSON with the id of its request.
  package static let drive = FuzzTarget(
    "drive", summary: "lines for `martlet drive` on a database in memory", maximumByteCount: 2048,
    seeds: TextSeeds.requests
  ) { input in
    let lines = input.array.split(separator: 0x0A, omittingEmptySubsequences: true)
    for line in lines { checkRequest(Array(line)) }
    // Sessions are threads: their number is bounded here, in the tool by its caller.
    serve(lines.prefix(24).map(Array.init))
  }
}

private func checkRequest(_ line: [UInt8]) {
  do {
    _ = try DriveRequest(line: line)
  } catch is DriveRefusal {
  } catch {
    violated("an untyped error of a request: \(error)")
  }
}

/// One database for all inputs: each begins with a reset. Waits for locks are short, because
/// sessions of one input may wait for each other.
private let drivenDatabase: Database = {
  var configuration = Configuration(
    pageSize: 4096, cacheSize: 1 << 20, durability: .relaxed, lockTimeout: .milliseconds(1))
  configuration.checkpointLogBytes = 1 << 20
  do { return try Database.inMemory(configuration: configuration) } catch {
    violated("a database in memory cannot be made: \(error)")
  }
}()

private func serve(_ lines: [[UInt8]]) {
  let replies = Mutex<[String]>([])
  var expected = 1
  do {
    let server = try DriveServer(database: drivenDatabase, keyspaceName: "drive") { reply in
      replies.withLock { $0.append(reply) }
    }
    server.receive(line: Array(#"{"id":0,"op":"reset"}"#.utf8))
    for line in lines {
      server.receive(line: line)
      if line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) { expected += 1 }
    }
    server.finish()
  } catch {
    violated("a server cannot begin: \(error)")
  }
  let given = replies.withLock { $0 }
  require(given.count == expected, "D2: \(given.count) replies to \(expected) requests")
  for reply in given {
    guard let value = try? JSON(parsing: reply), value[name: "id"] != nil,
      case .string? = value[name: "status"]
    else { violated("a reply that is none: \(reply)") }
  }
}
