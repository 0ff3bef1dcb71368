internal import Foundation
internal import Martlet

/// The shell at a terminal: prompt, history, completion, timing, and Control-C.
struct InteractiveShell {
  let session: ShellSession
  let database: Database
  let path: String

  func run() throws {
    let output = Descriptor.standardOutput
    // While a command runs the terminal is as usual, and Control-C is a signal: it stops the command.
    signal(SIGINT, SIG_IGN)
    let interrupts = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    interrupts.setEventHandler { [session] in session.cancel() }
    interrupts.resume()
    defer {
      interrupts.cancel()
      signal(SIGINT, SIG_DFL)
    }
    let completer = completer
    let prompt = Prompt(
      input: .standardInput, output: output, completer: { completer.complete($0, $1) })
    var history = ShellHistory()
    defer { history.save() }
    var isTimed = true
    let keyspaces = Figures.count(database.keyspaceNames.count, "keyspace")
    try output.write("\(path), \(keyspaces). help lists the commands.\n")
    while true {
      switch try prompt.ask(promptText, history: history.lines) {
      case .ended: return try leave()
      case .interrupted: continue
      case .line(let line):
        history.add(line)
        do {
          guard let request = try ShellRequest(line: line) else { continue }
          switch request {
          case .exit: return try leave()
          case .help(let name): try output.write(ShellManual.text(of: name) + "\n")
          case .timing(let isOn): isTimed = isOn
          default: try perform(request, isTimed)
          }
        } catch {
          try output.write("error: \(ToolError(describing: error))\n")
        }
      }
    }
  }

  private func perform(_ request: ShellRequest, _ isTimed: Bool) throws {
    let clock = ContinuousClock()
    let start = clock.now
    let reply = session.perform(request)
    if let failure = reply.failure { throw ToolError(failure) }
    let time = isTimed ? Figures.time(clock.now - start) : nil
    let remarks = [reply.note, time].compactMap(\.self)
    if !remarks.isEmpty {
      try Descriptor.standardOutput.write("(\(remarks.joined(separator: ", ")))\n")
    }
  }

  private func leave() throws {
    if session.status.level != nil {
      try Descriptor.standardOutput.write("the transaction that was open is rolled back\n")
    }
  }

  private var promptText: String {
    let status = session.status
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let level = status.level.map { " [\($0.rawValue)]" } ?? ""
    return "\(name):\(status.keyspace)\(level)> "
  }

  /// Sees what is committed: the transaction that is open belongs to the session's thread.
  private var completer: ShellCompleter {
    ShellCompleter(
      keys: { [session, database] prefix, limit in
        var keys: [[UInt8]] = []
        guard let keyspace = try? database.existingKeyspace(session.status.keyspace),
          let bounds = prefix.isEmpty ? KeyBounds.all : try? KeyBounds.prefix(prefix)
        else { return [] }
        try? database.read { (snapshot: borrowing Snapshot) in
          try snapshot.forEachKey(in: keyspace, bounds, reverse: false, limit: limit) { key, _ in
            keys.append([UInt8](valueBytes: key) ?? [])
            return .continue
          }
        }
        return keys
      }, keyspaces: { [database] in database.keyspaceNames },
      savepoints: { [session] in session.status.savepoints })
  }
}
