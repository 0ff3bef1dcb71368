import Foundation
import RecordCoding
import Seeds
import Testing

/// Decoders and encoders are used again, and keep what they learned of names from record to record.
@Suite struct `Coders that are used again` {
  /// Optional fields that come and go make hundreds of different tables of names.
  struct Sparse: Codable, Equatable {
    var a: Int?
    var b: String?
    var aNameThatIsTooLongToBeAWord: Int?
    var ünïcöde: String?
    var c: [String: Int]?
    var d: Date?
    var e: Inner?
    var f: [Inner?]?
    var always: Int

    struct Inner: Codable, Equatable {
      var a: Int?
      var always: String
      var aNameThatIsTooLongToBeAWord: Bool?
    }

    init(_ chance: inout SplitMix) {
      func maybe<Value>(_ value: @autoclosure () -> Value) -> Value? {
        Bool.random(using: &chance) ? value() : nil
      }
      let number = Int.random(in: -300...300, using: &chance)
      a = maybe(number)
      b = maybe("text \(number)")
      aNameThatIsTooLongToBeAWord = maybe(number)
      ünïcöde = maybe("ü")
      c = maybe(["a": 1, "always \(number)": 2, "a key that is not a word \(number)": 3])
      d = maybe(Date(timeIntervalSinceReferenceDate: Double(number)))
      let inner = Inner(a: maybe(1), always: "x", aNameThatIsTooLongToBeAWord: maybe(true))
      e = maybe(inner)
      f = maybe([inner, nil, Inner(a: nil, always: "y", aNameThatIsTooLongToBeAWord: nil)])
      always = number
    }
  }

  /// The same fields, asked for in another order, and one that no record has.
  struct Shuffled: Codable, Equatable {
    var always: Int
    var missing: String?
    var d: Date?
    var aNameThatIsTooLongToBeAWord: Int?
    var b: String?
    var a: Int?
  }

  @Test func `read fields that come and go`() throws {
    var chance = SplitMix(Seed.take(for: "fields that come and go"))
    let coder = BinaryCoder<Sparse>()
    let shuffling = BinaryCoder<Shuffled>()
    for _ in 0..<2_000 {
      let record = Sparse(&chance)
      let bytes = try coder.encode(record)
      #expect(try coder.decode(bytes) == record)
      // In whichever order a dictionary is walked, one that has learned nothing reads the same.
      #expect(try BinaryCoder<Sparse>().decode(bytes) == record)
      let shuffled = try shuffling.decode(bytes)
      #expect(shuffled.always == record.always && shuffled.missing == nil)
      #expect(shuffled.a == record.a && shuffled.b == record.b && shuffled.d == record.d)
      #expect(shuffled.aNameThatIsTooLongToBeAWord == record.aNameThatIsTooLongToBeAWord)
    }
  }

  @Test func `go on after a record that was refused`() throws {
    var chance = SplitMix(Seed.take(for: "records that are refused"))
    let coder = BinaryCoder<Sparse>()
    var refused = 0
    for _ in 0..<500 {
      let record = Sparse(&chance)
      let bytes = try coder.encode(record)
      var damaged = bytes
      damaged[Int.random(in: 0..<bytes.count, using: &chance)] ^=
        1 << UInt8.random(in: 0..<8, using: &chance)
      do { _ = try coder.decode(damaged) } catch is DecodingError { refused += 1 }
      #expect(try coder.decode(bytes) == record)
    }
    #expect(refused > 50)
  }

  @Test func `take names that a writer wrote twice, and very many of them`() throws {
    struct Pair: Codable, Equatable { var a, b: Int }
    let coder = BinaryCoder<Pair>()
    // Names: a, b, a; fields: 2 (a) and 1 (b), then 0 (a) and 1 (b).
    let names: [UInt8] = [1, 6, 1, 0x61, 1, 0x62, 1, 0x61, 0x0A]
    for _ in 0..<3 {
      #expect(try coder.decode(names + [2, 0x85, 1, 0x86]) == Pair(a: 5, b: 6))
      #expect(try coder.decode(names + [0, 0x87, 1, 0x88]) == Pair(a: 7, b: 8))
      #expect(try coder.decode(names + [1, 0x89, 0, 0x8A]) == Pair(a: 10, b: 9))
    }
    let many = Dictionary(uniqueKeysWithValues: (0..<3_000).map { ("name \($0)", $0) })
    let dictionaries = BinaryCoder<[String: Int]>()
    for _ in 0..<2 {
      #expect(try dictionaries.decode(try dictionaries.encode(many)) == many)
      #expect(try dictionaries.decode(try dictionaries.encode(["name 1": 1])) == ["name 1": 1])
    }
  }

  /// Keeps its decoder for the value that encloses it, as polymorphic types do.
  struct Borrowed: Decodable {
    let decoder: any Decoder
    init(from decoder: any Decoder) throws { self.decoder = decoder }
  }

  struct Polymorphic: Codable, Equatable {
    enum Keys: String, CodingKey { case kind, value }

    var kind: String
    var value: [Int]

    init(kind: String, value: [Int]) { (self.kind, self.value) = (kind, value) }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(value, forKey: .value)
      try container.encode(kind, forKey: .kind)
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Keys.self)
      let borrowed = try container.decode(Borrowed.self, forKey: .value)
      kind = try container.decode(String.self, forKey: .kind)
      value = try [Int](from: borrowed.decoder)
    }
  }

  @Test func `let a value use the decoder of one that it encloses`() throws {
    let coder = BinaryCoder<[Polymorphic]>()
    let records = [Polymorphic(kind: "a", value: [1]), Polymorphic(kind: "b", value: [2, 300])]
    #expect(try coder.decode(try coder.encode(records)) == records)
  }

  /// Decodes another record with the same coder while it is decoded itself.
  struct Envelope: Codable, Equatable {
    static let coder = BinaryCoder<Envelope>()

    var name: String
    var content: [UInt8]
    var inner: [String] = []

    enum CodingKeys: String, CodingKey { case name, content }

    init(name: String, content: [UInt8]) { (self.name, self.content) = (name, content) }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      name = try container.decode(String.self, forKey: .name)
      content = try container.decode([UInt8].self, forKey: .content)
      if !content.isEmpty {
        let envelope = try Self.coder.decode(content)
        inner = [envelope.name] + envelope.inner
      }
      guard try container.decode(String.self, forKey: .name) == name else {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "differs"))
      }
    }
  }

  @Test func `read a record within a record`() throws {
    var envelope = Envelope(name: "0", content: [])
    for number in 1...5 {
      envelope = Envelope(name: "\(number)", content: try Envelope.coder.encode(envelope))
    }
    let again = try Envelope.coder.decode(try Envelope.coder.encode(envelope))
    #expect(again.inner == ["4", "3", "2", "1", "0"])
  }

  @Test func `serve many threads at once`() async throws {
    let coder = BinaryCoder<Sparse>()
    @Sendable func convert(_ number: Int) throws {
      var chance = SplitMix(Seed.take(for: "thread \(number)"))
      for _ in 0..<200 {
        let record = Sparse(&chance)
        #expect(try coder.decode(try coder.encode(record)) == record)
      }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<8 { group.addTask { try convert(number) } }
      try await group.waitForAll()
    }
  }

  struct Kept: Codable {
    enum Keys: String, CodingKey { case a }
    nonisolated(unsafe) static var container: KeyedDecodingContainer<Keys>?
    nonisolated(unsafe) static var decoder: (any Decoder)?

    init() {}
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(1, forKey: .a)
    }
    init(from decoder: any Decoder) throws {
      guard unsafe Self.container == nil else {
        // The memory is in use again, and what was kept is of the record before.
        _ = try unsafe Self.container?.decode(Int.self, forKey: .a)
        return
      }
      unsafe Self.container = try decoder.container(keyedBy: Keys.self)
      unsafe Self.decoder = decoder
    }
  }

  @Test func `trap when a container is used for the next record`() async {
    await #expect(processExitsWith: .failure) {
      let coder = BinaryCoder<Kept>()
      let bytes = try coder.encode(Kept())
      _ = try coder.decode(bytes)
      _ = try coder.decode(bytes)
    }
  }

  @Test func `trap when a decoder is used after its coder has ended`() async {
    await #expect(processExitsWith: .failure) {
      _ = try BinaryCoder<Kept>().decode(try BinaryCoder<Kept>().encode(Kept()))
      _ = try unsafe Kept.decoder?.singleValueContainer().decode(Int.self)
    }
  }
}
