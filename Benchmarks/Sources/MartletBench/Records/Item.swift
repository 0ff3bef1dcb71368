import Foundation

/// The record of the comparison with GRDB: seven fields of the kinds that an app has, with an index on
/// `city`, which about ten records share.
struct Item: Codable, Identifiable, Hashable, Sendable {
  var id: Int
  var name: String
  var email: String?
  var city: String
  var born: Date
  var score: Int
  var isActive: Bool

  /// Records that share a city, about.
  static let recordsPerCity = 10

  /// The record with an id, of `count`: always the same.
  init(id: Int, of count: Int) {
    let mixed = Self.mix(UInt64(id))
    self.id = id
    name = "Person Number \(mixed % 1_000_000)"
    email = id.isMultiple(of: 4) ? nil : "person.\(mixed % 1_000_000)@example.com"
    city = Self.city(Int(mixed >> 32), of: count)
    born = Date(timeIntervalSince1970: Double(mixed % 1_500_000_000))
    score = Int(mixed % 1_000)
    isActive = mixed & 1 == 1
  }

  /// A city of those that `count` records have.
  static func city(_ number: Int, of count: Int) -> String {
    "City \(number % max(count / recordsPerCity, 1))"
  }

  /// Scatters numbers over all of 64 bits (the last steps of SplitMix64).
  static func mix(_ number: UInt64) -> UInt64 {
    var mixed = number &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
