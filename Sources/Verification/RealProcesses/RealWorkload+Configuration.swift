package import Martlet
internal import RedoLog

extension RealWorkload {
  /// How the database is opened. The first variant is the smallest that meets everything:
  /// four-kilobyte pages, 96 of them in memory, segments of 64 KiB, and a checkpoint for every
  /// 96 KiB of log. The others have larger pages, no compression, no spare segments, or so much log
  /// between two checkpoints that a recovery has to evict what it has just changed.
  package var configuration: Configuration {
    var configuration = Configuration(
      pageSize: 4096, cacheSize: 96 * 4096, durability: grade == .relaxed ? .relaxed : .full,
      versionBudget: 4 << 20, checkpointLogBytes: 96 << 10, checkpointInterval: .seconds(1),
      lockTimeout: .seconds(1))
    configuration.log = .init(
      firstSegmentByteCount: 64 << 10, largestSegmentByteCount: 128 << 10,
      spareByteCount: 256 << 10)
    guard variant > 0 else { return configuration }
    var generator = ScriptGenerator(seed: UInt64(variant))
    configuration.pageSize = 4096 << generator.below(3)
    configuration.cacheSize = configuration.pageSize * (64 + generator.below(64))
    configuration.compression = generator.below(3) == 0 ? .none : .lz4
    configuration.checkpointLogBytes = (64 << 10) << generator.below(6)
    configuration.log = .init(
      firstSegmentByteCount: (64 << 10) << generator.below(3),
      largestSegmentByteCount: 256 << 10, spareByteCount: generator.below(3) * (192 << 10))
    return configuration
  }
}
