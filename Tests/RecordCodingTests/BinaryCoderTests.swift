import Foundation
import RecordCoding
import Seeds
import Testing

@Suite struct `The binary coder` {
  private func roundTrip<Record: Codable & Equatable>(_ record: Record) throws {
    let coder = BinaryCoder<Record>()
    let bytes = try coder.encode(record)
    #expect(try coder.decode(bytes) == record)
    #expect(try coder.encode(record) == bytes)
  }

  @Test func `gives back random records of everything`() throws {
    var chance = SplitMix(Seed.take(for: "random records"))
    let coder = BinaryCoder<Everything>()
    for _ in 0..<300 {
      let record = Everything.random(&chance)
      let bytes = try coder.encode(record)
      #expect(try coder.decode(bytes) == record)
      // The same decoder and encoder again, and fresh ones.
      #expect(try coder.encode(record) == bytes)
      #expect(try BinaryCoder<Everything>().decode(bytes) == record)
    }
  }

  @Test func `takes records that are no structures`() throws {
    try roundTrip(7)
    try roundTrip(-128)
    try roundTrip("text")
    try roundTrip([Int]())
    try roundTrip([[]] as [[Int]])
    try roundTrip(["a": [1, 2], "": []])
    try roundTrip(UUID())
    try roundTrip(Data([1, 2]))
    try roundTrip([1, 2] as [UInt8])
    try roundTrip(Int?.none)
    try roundTrip(Int?.some(3))
    try roundTrip([true, false])
    try roundTrip(Everything.Shape.point)
  }

  @Test func `takes every integer of every width at its edges`() throws {
    func edges<Integer: FixedWidthInteger & Codable>(_ type: Integer.Type) throws {
      try roundTrip([.min, .min + 1, .max, .max - 1, 0, 1, 127, type.min / 2, type.max / 2])
      for shift in 0..<type.bitWidth {
        let power = Integer(truncatingIfNeeded: 1) << shift
        try roundTrip([power, power &- 1, ~power, 0 &- power])
      }
    }
    try edges(Int.self)
    try edges(Int8.self)
    try edges(Int16.self)
    try edges(Int32.self)
    try edges(Int64.self)
    try edges(UInt.self)
    try edges(UInt8.self)
    try edges(UInt16.self)
    try edges(UInt32.self)
    try edges(UInt64.self)
  }

  @Test func `takes numbers that are no numbers, and decimals of any size`() throws {
    let coder = BinaryCoder<[Double]>()
    let numbers = try coder.decode(
      try coder.encode([.nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude]))
    #expect(numbers[0].isNaN && numbers[1] == .infinity && numbers[2] == -.infinity)
    #expect(numbers[3].sign == .minus && numbers[4] == .leastNonzeroMagnitude)
    try roundTrip([Decimal.greatestFiniteMagnitude, .leastNonzeroMagnitude, 0, -1, Decimal(12) / 7])
    #expect(try BinaryCoder<Decimal>().decode(try BinaryCoder<Decimal>().encode(.nan)).isNaN)
  }

  @Test func `takes addresses that are relative to others`() throws {
    let base = try #require(URL(string: "https://example.com/a/"))
    let relative = try #require(URL(string: "b?c=d", relativeTo: base))
    let coder = BinaryCoder<URL>()
    let again = try coder.decode(try coder.encode(relative))
    #expect(again.absoluteString == relative.absoluteString && again.baseURL == base)
  }

  @Test func `writes a name once, however often it is used`() throws {
    struct Item: Codable {
      var aLongName = 1
      var another = 2
    }
    let coder = BinaryCoder<[Item]>()
    let one = try coder.encode([Item()]).count
    let hundred = try coder.encode(Array(repeating: Item(), count: 100)).count
    #expect((hundred - one) == 99 * 6)
  }

  @Test func `numbers many names, and finds them again`() throws {
    let record = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("key \($0)", $0) })
    try roundTrip(record)
    try roundTrip([record, record])
    let long = Dictionary(
      uniqueKeysWithValues: (0..<70).map { (String(repeating: "x", count: $0 * 3000), $0) })
    try roundTrip([long, long])
  }

  @Test func `is used by many threads at once`() async throws {
    let coder = BinaryCoder<Everything>()
    var chance = SplitMix(Seed.take(for: "threads"))
    let records = (0..<8).map { _ in Everything.random(&chance) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for record in records {
        group.addTask {
          for _ in 0..<30 {
            let again = try coder.decode(try coder.encode(record))
            #expect(again == record)
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
