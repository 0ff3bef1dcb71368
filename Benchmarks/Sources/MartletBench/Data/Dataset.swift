/// The records of a run: a pure function of their number and of the seed.
///
/// - Key `i` is `i` in 16 decimal digits, as in LevelDB's `db_bench`: the order of keys is the order
///   of numbers.
/// - A value is 100 bytes cut from a pool of random text that compresses to about a half, again as
///   in `db_bench`, so that an engine that compresses neither profits nor suffers unduly.
///   A version tells the values of one key apart.
/// - Work is laid out as packed bytes in the order of its use before any clock starts: the engines
///   then read it as a stream, and nothing is generated while the time runs.
struct Dataset: Sendable {
  let recordCount: Int
  private let seed: UInt64
  private let pool: [UInt8]

  private static let poolByteCount = 1 << 20

  init(recordCount: Int, seed: UInt64) {
    precondition(recordCount > 0, "a data set has at least one record")
    self.recordCount = recordCount
    self.seed = seed
    pool = Self.makePool(seed: seed)
  }

  /// All record numbers in ascending order of their keys.
  var ascendingOrder: [Int] { Array(0..<recordCount) }

  /// All record numbers, each once, in an order drawn from the seed.
  var shuffledOrder: [Int] {
    var generator = SeededGenerator(seed: seed &+ 1)
    return ascendingOrder.shuffled(using: &generator)
  }

  /// `count` record numbers drawn with repetition; each `stream` draws others.
  func randomRecords(count: Int, stream: Int) -> [Int] {
    var generator = SeededGenerator(seed: streamSeed(stream))
    return (0..<count).map { _ in Int.random(in: 0..<recordCount, using: &generator) }
  }

  /// Where the draws of a stream begin.
  func streamSeed(_ stream: Int) -> UInt64 {
    SeededGenerator.mix(seed &+ 2 &+ UInt64(stream))
  }

  /// The keys of the records numbered `order`, packed.
  func keys(of order: some Collection<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(order.count * RecordShape.keyByteCount)
    for number in order { appendKey(number, to: &bytes) }
    return bytes
  }

  /// The records numbered `order` with the given version of their values, packed.
  func records(of order: some Collection<Int>, version: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(order.count * RecordShape.byteCount)
    for number in order {
      appendKey(number, to: &bytes)
      let draw = SeededGenerator.mix(
        seed ^ SeededGenerator.mix(UInt64(number) &+ UInt64(version) << 48))
      let offset = Int(draw % UInt64(Self.poolByteCount - RecordShape.valueByteCount))
      bytes.append(contentsOf: pool[offset..<offset + RecordShape.valueByteCount])
    }
    return bytes
  }

  /// Appends the key of record `number`: its 16 decimal digits.
  func appendKey(_ number: Int, to bytes: inout [UInt8]) {
    var divisor = 1_000_000_000_000_000
    for _ in 0..<RecordShape.keyByteCount {
      bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
      divisor /= 10
    }
  }

  /// Pieces of 100 bytes whose second half repeats the first half of random printable text.
  private static func makePool(seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    var pool: [UInt8] = []
    pool.reserveCapacity(poolByteCount + RecordShape.valueByteCount)
    while pool.count < poolByteCount {
      let half = (0..<RecordShape.valueByteCount / 2).map { _ in
        UInt8.random(in: UInt8(ascii: " ")...UInt8(ascii: "~"), using: &generator)
      }
      pool.append(contentsOf: half)
      pool.append(contentsOf: half)
    }
    return pool
  }
}
