import KeyCoding
import RecordCoding

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Seeds of keys and records as collections store them.
enum RecordSeeds {
  static let keyTuple = KeyTuple("a\0b", Int?.some(-300), 0.5).keyBytes

  static let nestedKeyTuple = KeyTuple(
    Descending(KeyTuple("a", Int?.none)), Descending("b\0")
  ).keyBytes

  /// With a value of every tag; empty when it cannot be encoded, which the corpus would show.
  static var record: [UInt8] {
    let record = FuzzedRecord(
      flag: true, number: -300, small: 200, double: 0.5, float: 1.5, text: "text",
      date: Date(timeIntervalSinceReferenceDate: 0),
      uuid: UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)),
      data: Data([1, 2]),
      decimal: Decimal(5) / 4, url: URL(string: "https://example.com/"),
      shapes: [.pair(.dot, nil), .named("n", sizes: [1, 2])], table: ["a": [1, nil]])
    return (try? BinaryCoder<FuzzedRecord>().encode(record)) ?? []
  }
}
