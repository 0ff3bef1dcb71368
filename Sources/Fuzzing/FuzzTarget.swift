package import RawBytes

/// A door through which untrusted bytes come in, and what must hold behind it.
///
/// Each target takes any bytes at all. It never traps, never hangs, never takes memory without
/// bound and never lets anything but typed errors out; where decoding has an inverse, encoding what
/// was decoded gives it back. A target that finds this broken traps, which is what both libFuzzer
/// and a test that replays the input notice.
///
/// Bytes that only checksums keep out are let in on purpose: a checksum finds accidents, not
/// programs, and a fuzzer would spend its time before that door. So the targets with checksums
/// compute them anew where the input says so, after its changes.
///
/// - Invariant FZ1: a run depends on its input alone: the same bytes end the same way.
/// - Invariant FZ2: an input that is empty or ends early is none the less a whole one.
package struct FuzzTarget: Sendable {
  /// What `MARTLET_FUZZ` names it.
  package let name: String
  /// What its bytes are, in a line.
  package let summary: String
  /// Longer inputs teach nothing new.
  package let maximumByteCount: Int
  /// Tries one input.
  package let run: @Sendable (ByteView) -> Void
  /// Inputs to begin with, by name: what the engine itself writes, and the corners known already.
  package let seeds: @Sendable () -> [(name: String, bytes: [UInt8])]

  package init(
    _ name: String, summary: String, maximumByteCount: Int,
    seeds: @escaping @Sendable () -> [(name: String, bytes: [UInt8])],
    run: @escaping @Sendable (ByteView) -> Void
  ) {
    self.name = name
    self.summary = summary
    self.maximumByteCount = maximumByteCount
    self.seeds = seeds
    self.run = run
  }

  /// Every target there is.
  package static let all: [FuzzTarget] = [
    .database, .segment, .page, .tree, .lz4, .codec, .drive, .load, .dump, .backup,
  ]

  /// The target of a name.
  package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Says what an input has broken, and traps.
func violated(_ what: @autoclosure () -> String) -> Never {
  fatalError("fuzzing found: \(what())")
}

/// Traps unless something that always holds does.
func require(_ holds: Bool, _ what: @autoclosure () -> String) {
  if !holds { violated(what()) }
}
