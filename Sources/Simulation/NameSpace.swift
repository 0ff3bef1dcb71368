internal import Environment

/// What a name leads to, by number.
enum NameTarget: Sendable, Equatable { case file(Int), directory(Int) }

/// One name of one directory gets a target, or loses it.
struct NameStep: Sendable {
  let directory: Int
  let name: String
  let target: NameTarget?

  var file: Int? { if case .file(let number)? = target { number } else { nil } }
}

/// A change that happens wholly or not at all.
struct NameChange: Sendable {
  let steps: [NameStep]

  func touches(_ directory: Int) -> Bool { steps.contains { $0.directory == directory } }
}

/// Directories and the names in them.
struct NameSpace: Sendable {
  static let root = 0

  private var directories: [Int: [String: NameTarget]] = [root: [:]]

  func target(_ step: NameStep) -> NameTarget? { directories[step.directory]?[step.name] }

  mutating func apply(_ step: NameStep) {
    directories[step.directory, default: [:]][step.name] = step.target
    if case .directory(let number)? = step.target, directories[number] == nil {
      directories[number] = [:]
    }
  }

  func names(in directory: Int) -> [String] { (directories[directory] ?? [:]).keys.sorted() }

  /// What a path leads to; nil when some name of it is missing.
  func resolve(_ names: some Sequence<String>) -> NameTarget? {
    var target = NameTarget.directory(NameSpace.root)
    for name in names {
      guard case .directory(let number) = target, let next = directories[number]?[name] else {
        return nil
      }
      target = next
    }
    return target
  }

  /// The number of a directory that is not used yet.
  var freeDirectoryNumber: Int { (directories.keys.max() ?? NameSpace.root) + 1 }

  /// How many names that the root can reach lead to each file.
  func linkCounts() -> [Int: Int] {
    var counts: [Int: Int] = [:]
    forEachFile { _, file in counts[file, default: 0] += 1 }
    return counts
  }

  /// Every file that the root can reach, with its path, in the order of paths.
  func forEachFile(_ body: (_ path: String, _ file: Int) -> Void) {
    var waiting = [("", NameSpace.root)]
    while let (path, directory) = waiting.popLast() {
      let content = directories[directory] ?? [:]
      for name in content.keys.sorted() {
        switch content[name] {
        case .file(let file): body(path + "/" + name, file)
        case .directory(let number): waiting.append((path + "/" + name, number))
        case nil: break
        }
      }
    }
  }
}
