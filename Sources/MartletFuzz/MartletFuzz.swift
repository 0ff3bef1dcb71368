import Foundation
import Fuzzing
import RawBytes

/// Runs fuzz targets.
///
/// In a build for fuzzing (`.ci/fuzz`) libFuzzer takes over, on the target that the environment
/// names: `MARTLET_FUZZ=segment MartletFuzz CORPUS…`. In any other build it replays inputs and
/// writes the corpus.
@main
enum MartletFuzz {
  static func main() {
    #if MARTLET_FUZZ_BUILD
      if ProcessInfo.processInfo.environment["MARTLET_FUZZ"] != nil { exit(fuzz()) }
    #endif
    exit(replay(Array(CommandLine.arguments.dropFirst())))
  }

  static var usage: String {
    """
    usage: MartletFuzz TARGET FILE…          run a target on inputs
           MartletFuzz --write-corpus FOLDER write the seeds that the engine makes
           MartletFuzz --list                name the targets

    Fuzzing itself needs a build of its own: bash .ci/fuzz [--seconds N] [TARGET…]

    targets:
    """ + FuzzTarget.all.map { "\n  \($0.name): \($0.summary)" }.joined()
  }

  static func say(_ text: String) { print(text) }

  /// Replays files, writes the corpus, or says how to be used. Returns the exit status.
  static func replay(_ arguments: [String]) -> Int32 {
    do {
      switch arguments.first {
      case "--list":
        for target in FuzzTarget.all { say("\(target.name) \(target.maximumByteCount)") }
      case "--write-corpus" where arguments.count == 2:
        say("\(try writeCorpus(URL(filePath: arguments[1]))) seeds")
      case let name? where FuzzTarget.named(name) != nil && arguments.count > 1:
        for path in arguments.dropFirst() {
          let bytes = try Data(contentsOf: URL(filePath: path))
          FuzzTarget.named(name)?.run([UInt8](bytes))
          say("\(path): \(bytes.count) bytes, fine")
        }
      default:
        say(usage)
        return 64
      }
      return 0
    } catch {
      say("\(error)")
      return 1
    }
  }

  /// Writes every target's seeds: `FOLDER/<target>/seed-<name>`.
  static func writeCorpus(_ folder: URL) throws -> Int {
    var count = 0
    for target in FuzzTarget.all {
      let own = folder.appending(path: target.name)
      try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
      for seed in target.seeds() {
        try Data(seed.bytes).write(to: own.appending(path: "seed-\(seed.name)"))
        count += 1
      }
    }
    return count
  }
}

extension FuzzTarget {
  /// Tries one input.
  func run(_ bytes: [UInt8]) { bytes.withByteView { run($0) } }
}
