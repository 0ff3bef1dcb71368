import Foundation
import Fuzzing
import RawBytes
import Seeds
import Testing

/// Replays in every ordinary build what fuzzing begins from, and whatever it has found.
///
/// A target that finds its promise broken traps, so a failure here ends the process: the input that
/// did it was printed last.
@Suite struct `The fuzz targets` {
  static let corpus = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Corpus")

  static func inputs(of target: FuzzTarget) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: corpus.appending(path: target.name), includingPropertiesForKeys: nil
    ).filter { !$0.lastPathComponent.hasPrefix(".") }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
  }

  @Test(arguments: FuzzTarget.all.map(\.name))
  func `pass over their corpus`(_ name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let inputs = try Self.inputs(of: target)
    #expect(inputs.count >= 3, "\(name) has a corpus of \(inputs.count)")
    for input in inputs {
      print("\(name)/\(input.lastPathComponent)")
      let bytes = [UInt8](try Data(contentsOf: input))
      #expect(bytes.count <= target.maximumByteCount + 1, "\(input.lastPathComponent) is too long")
      bytes.withByteView { target.run($0) }
    }
  }

  /// By name only: the engine may write other bytes than when the corpus was made, and both are
  /// worth having.
  @Test func `have all their seeds in the corpus`() throws {
    for target in FuzzTarget.all {
      let kept = Set(try Self.inputs(of: target).map(\.lastPathComponent))
      for seed in target.seeds() {
        #expect(
          kept.contains("seed-\(seed.name)"),
          "\(target.name) lacks \(seed.name): swift run MartletFuzz --write-corpus Tests/FuzzTests/Corpus"
        )
        seed.bytes.withByteView { target.run($0) }
      }
    }
  }

  /// Short inputs of every kind, so that a target is more than its corpus in ordinary builds too.
  @Test(arguments: FuzzTarget.all.map(\.name))
  func `take arbitrary bytes`(_ name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let seed = Seed.fixed
    print("\(name): seed \(seed) (MARTLET_SEED)")
    var state = seed
    func next() -> UInt64 {
      // Marsaglia's xorshift.
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    for _ in 0..<40 {
      let count = Int(next() % 64)
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 11) }
      bytes.withByteView { target.run($0) }
    }
  }
}
