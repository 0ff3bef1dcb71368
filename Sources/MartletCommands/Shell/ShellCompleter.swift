/// Completes words of the shell: commands, and behind them what the manual says a command takes.
package struct ShellCompleter {
  /// Keys that begin with some bytes, at most so many.
  package var keys: (_ prefix: [UInt8], _ limit: Int) -> [[UInt8]]
  package var keyspaces: () -> [String]
  package var savepoints: () -> [String]

  /// More candidates than these are not listed.
  package static let limit = 50

  package init(
    keys: @escaping (_ prefix: [UInt8], _ limit: Int) -> [[UInt8]],
    keyspaces: @escaping () -> [String], savepoints: @escaping () -> [String] = { [] }
  ) {
    self.keys = keys
    self.keyspaces = keyspaces
    self.savepoints = savepoints
  }

  package func complete(_ line: [Character], _ cursor: Int) -> Completion {
    let split = ShellWords(line[..<cursor])
    let current = split.endsInWord ? split.words.last : nil
    let before = split.endsInWord ? split.words.dropLast() : split.words[...]
    let start = current?.start ?? cursor
    let prefix = current?.bytes ?? []
    guard let first = before.first else {
      return among(ShellManual.commands.map(\.name), prefix, start)
    }
    guard let command = ShellManual.command(named: first.text.lowercased()) else {
      return Completion(start: start, candidates: [])
    }
    if prefix.starts(with: "--".utf8) {
      let options = command.usage.split(whereSeparator: { " []|".contains($0) })
        .filter { $0.hasPrefix("--") }.map(String.init)
      return Completion(
        start: start, candidates: options.filter { $0.utf8.starts(with: prefix) }.sorted())
    }
    let position = before.dropFirst().count { !$0.text.hasPrefix("--") }
    let isPrefixOption = before.last?.text == "--prefix"
    let kind =
      isPrefixOption
      ? .key
      : command.arguments.indices.contains(position)
        ? command.arguments[position] : .other
    return among(kind, prefix, start)
  }

  private func among(_ kind: ShellManual.Argument, _ prefix: [UInt8], _ start: Int) -> Completion {
    switch kind {
    case .command: among(ShellManual.commands.map(\.name), prefix, start)
    case .level:
      among(
        [
          "readCommitted", "readUncommitted", "repeatableRead", "serializable", "snapshot",
          "strictSerializable",
        ], prefix, start)
    case .keyspace: among(keyspaces(), prefix, start)
    case .savepoint: among(savepoints(), prefix, start)
    case .format: among(ShellFormat.allCases.map(\.rawValue), prefix, start)
    case .onOff: among(["off", "on"], prefix, start)
    case .key:
      keyCompletion(prefix, start)
    case .other: Completion(start: start, candidates: [])
    }
  }

  private func keyCompletion(_ prefix: [UInt8], _ start: Int) -> Completion {
    let found = keys(prefix, Self.limit + 1)
    return Completion(
      start: start, candidates: found.prefix(Self.limit).map(ShellWords.quoted),
      isCut: found.count > Self.limit)
  }

  private func among(_ words: [String], _ prefix: [UInt8], _ start: Int) -> Completion {
    let found = words.filter { $0.utf8.starts(with: prefix) }.sorted()
    return Completion(start: start, candidates: found.map { ShellWords.quoted(Array($0.utf8)) })
  }
}
