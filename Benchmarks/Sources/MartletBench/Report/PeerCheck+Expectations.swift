extension PeerCheck {
  /// What the independent harness found at a workload, in operations a second.
  struct Expectation: Sendable {
    let workload: Workload
    let figures: [EngineKind: Double]

    init(
      _ kind: Workload.Kind, _ threads: Int, lmdb: Double, sqlite: Double,
      rocksDB: (Double, Double),
      wiredTiger: Double, berkeleyDB: Double
    ) {
      workload = Workload(kind: kind, threads: threads)
      figures = [
        .lmdb: lmdb, .sqlite: sqlite, .rocksDBLocking: rocksDB.0, .rocksDBOptimistic: rocksDB.1,
        .wiredTiger: wiredTiger, .berkeleyDB: berkeleyDB,
      ]
    }
  }

  static let expectations = [
    Expectation(
      .sortedLoad, 1, lmdb: 4_300_000, sqlite: 840_000, rocksDB: (420_000, 250_000),
      wiredTiger: 1_040_000, berkeleyDB: 430_000),
    Expectation(
      .randomLoad, 1, lmdb: 312_000, sqlite: 118_000, rocksDB: (152_000, 102_000),
      wiredTiger: 257_000, berkeleyDB: 218_000),
    Expectation(
      .randomRead, 1, lmdb: 990_000, sqlite: 460_000, rocksDB: (280_000, 280_000),
      wiredTiger: 820_000, berkeleyDB: 420_000),
    Expectation(
      .randomRead, 2, lmdb: 2_090_000, sqlite: 910_000, rocksDB: (570_000, 570_000),
      wiredTiger: 1_820_000, berkeleyDB: 470_000),
    Expectation(
      .randomReadTransaction, 1, lmdb: 960_000, sqlite: 270_000, rocksDB: (310_000, 310_000),
      wiredTiger: 760_000, berkeleyDB: 430_000),
    Expectation(
      .randomReadTransaction, 2, lmdb: 1_940_000, sqlite: 340_000, rocksDB: (580_000, 580_000),
      wiredTiger: 1_600_000, berkeleyDB: 430_000),
    Expectation(
      .fullScan, 1, lmdb: 23_500_000, sqlite: 8_200_000, rocksDB: (4_300_000, 4_300_000),
      wiredTiger: 23_000_000, berkeleyDB: 15_700_000),
    Expectation(
      .rangeScan, 1, lmdb: 178_000, sqlite: 55_000, rocksDB: (28_000, 28_000),
      wiredTiger: 148_000, berkeleyDB: 63_000),
    Expectation(
      .putRelaxed, 1, lmdb: 44_000, sqlite: 30_000, rocksDB: (157_000, 157_000),
      wiredTiger: 152_000, berkeleyDB: 185_000),
    Expectation(
      .putRelaxed, 2, lmdb: 30_000, sqlite: 58_000, rocksDB: (124_000, 124_000),
      wiredTiger: 288_000, berkeleyDB: 210_000),
    Expectation(
      .putFull, 1, lmdb: 2_900, sqlite: 5_100, rocksDB: (4_500, 4_500),
      wiredTiger: 6_800, berkeleyDB: 7_000),
    Expectation(
      .putFull, 8, lmdb: 2_800, sqlite: 5_800, rocksDB: (9_800, 9_800),
      wiredTiger: 7_000, berkeleyDB: 25_600),
    Expectation(
      .mixed(.a), 1, lmdb: 85_000, sqlite: 73_000, rocksDB: (221_000, 221_000),
      wiredTiger: 469_000, berkeleyDB: 386_000),
    Expectation(
      .mixed(.a), 2, lmdb: 50_000, sqlite: 90_000, rocksDB: (272_000, 272_000),
      wiredTiger: 532_000, berkeleyDB: 285_000),
    Expectation(
      .mixed(.b), 1, lmdb: 440_000, sqlite: 252_000, rocksDB: (242_000, 242_000),
      wiredTiger: 750_000, berkeleyDB: 524_000),
    Expectation(
      .mixed(.b), 2, lmdb: 366_000, sqlite: 202_000, rocksDB: (445_000, 445_000),
      wiredTiger: 1_090_000, berkeleyDB: 425_000),
    Expectation(
      .mixed(.c), 1, lmdb: 1_340_000, sqlite: 340_000, rocksDB: (250_000, 250_000),
      wiredTiger: 910_000, berkeleyDB: 560_000),
    Expectation(
      .mixed(.c), 2, lmdb: 2_650_000, sqlite: 350_000, rocksDB: (480_000, 480_000),
      wiredTiger: 1_720_000, berkeleyDB: 440_000),
    Expectation(
      .mixed(.e), 1, lmdb: 253_000, sqlite: 63_000, rocksDB: (44_000, 44_000),
      wiredTiger: 237_000, berkeleyDB: 78_000),
    Expectation(
      .mixed(.e), 2, lmdb: 315_000, sqlite: 73_000, rocksDB: (79_000, 79_000),
      wiredTiger: 456_000, berkeleyDB: 90_000),
    Expectation(
      .mixed(.f), 1, lmdb: 85_000, sqlite: 76_000, rocksDB: (128_000, 128_000),
      wiredTiger: 400_000, berkeleyDB: 317_000),
    Expectation(
      .mixed(.f), 2, lmdb: 50_000, sqlite: 80_000, rocksDB: (209_000, 209_000),
      wiredTiger: 687_000, berkeleyDB: 226_000),
    Expectation(
      .transfer, 8, lmdb: 33_000, sqlite: 34_000, rocksDB: (42_000, 38_000),
      wiredTiger: 372_000, berkeleyDB: 101_000),
  ]
}
