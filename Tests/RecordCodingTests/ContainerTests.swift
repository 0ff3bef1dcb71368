import Foundation
import RecordCoding
import Testing

/// What hand-written `Codable` conformances do with containers.
@Suite struct `Containers` {
  enum Keys: String, CodingKey {
    case a, b, c, d, list, inner, deeper
  }

  /// Writes to a container, its nested ones and theirs by turns.
  struct ByTurns: Codable, Equatable {
    var a = 1
    var b = "two"
    var c = [3, 4]
    var d = Date(timeIntervalSinceReferenceDate: 5)

    init() {}

    func encode(to encoder: any Encoder) throws {
      var outer = encoder.container(keyedBy: Keys.self)
      var inner = outer.nestedContainer(keyedBy: Keys.self, forKey: .inner)
      var list = outer.nestedUnkeyedContainer(forKey: .list)
      try outer.encode(a, forKey: .a)
      try list.encode(c[0])
      var deeper = inner.nestedContainer(keyedBy: Keys.self, forKey: .deeper)
      try inner.encode(b, forKey: .b)
      var listInList = list.nestedUnkeyedContainer()
      try list.encode(c[1])
      try deeper.encode(d, forKey: .d)
      try outer.encode(self.c, forKey: .c)
      try listInList.encode(b)
      try deeper.encode([b: c], forKey: .b)
    }

    init(from decoder: any Decoder) throws {
      let outer = try decoder.container(keyedBy: Keys.self)
      let inner = try outer.nestedContainer(keyedBy: Keys.self, forKey: .inner)
      let deeper = try inner.nestedContainer(keyedBy: Keys.self, forKey: .deeper)
      var list = try outer.nestedUnkeyedContainer(forKey: .list)
      a = try outer.decode(Int.self, forKey: .a)
      b = try inner.decode(String.self, forKey: .b)
      d = try deeper.decode(Date.self, forKey: .d)
      c = [try list.decode(Int.self)]
      var listInList = try list.nestedUnkeyedContainer()
      c.append(try list.decode(Int.self))
      guard try listInList.decode(String.self) == b, listInList.isAtEnd, list.isAtEnd,
        try outer.decode([Int].self, forKey: .c) == c,
        try deeper.decode([String: [Int]].self, forKey: .b) == [b: c],
        Set(outer.allKeys) == [.inner, .list, .a, .c], inner.contains(.deeper), !inner.contains(.a)
      else {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "differs"))
      }
    }
  }

  @Test func `are written to by turns`() throws {
    let coder = BinaryCoder<[ByTurns]>()
    #expect(try coder.decode(try coder.encode([ByTurns(), ByTurns()])) == [ByTurns(), ByTurns()])
  }

  class Animal: Codable {
    var name = "animal"
  }

  class Dog: Animal {
    var tricks = ["sit"]
    var tail: Int? = 1

    override init() { super.init() }

    required init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Keys.self)
      tricks = try container.decode([String].self, forKey: .list)
      tail = try container.decodeIfPresent(Int.self, forKey: .a)
      try super.init(from: try container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try super.encode(to: container.superEncoder())
      try container.encode(tricks, forKey: .list)
      try container.encodeIfPresent(tail, forKey: .a)
    }
  }

  @Test func `of a superclass stand under their own key`() throws {
    let dog = Dog()
    dog.name = "Rex"
    dog.tail = nil
    let coder = BinaryCoder<Dog>()
    let again = try coder.decode(try coder.encode(dog))
    #expect(again.name == "Rex" && again.tricks == ["sit"] && again.tail == nil)
  }

  /// A subclass that shares its superclass's container.
  final class Cat: Animal {
    var lives = 9

    override init() { super.init() }

    required init(from decoder: any Decoder) throws {
      lives = try decoder.container(keyedBy: Keys.self).decode(Int.self, forKey: .a)
      try super.init(from: decoder)
    }

    override func encode(to encoder: any Encoder) throws {
      try super.encode(to: encoder)
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(lives, forKey: .a)
    }
  }

  @Test func `are shared by a class and its superclass`() throws {
    let cat = Cat()
    cat.name = "Tom"
    cat.lives = 3
    let coder = BinaryCoder<Cat>()
    let again = try coder.decode(try coder.encode(cat))
    #expect(again.name == "Tom" && again.lives == 3)
  }

  struct Nothing: Codable, Equatable {
    init() {}
    func encode(to encoder: any Encoder) throws {}
    init(from decoder: any Decoder) throws {}
  }

  struct Wrapper<Value: Codable & Equatable>: Codable, Equatable {
    var value: Value

    init(_ value: Value) { self.value = value }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(value)
    }

    init(from decoder: any Decoder) throws {
      value = try decoder.singleValueContainer().decode(Value.self)
    }
  }

  @Test func `need not be asked for, and may hold a single value`() throws {
    let coder = BinaryCoder<[Nothing]>()
    #expect(try coder.decode(try coder.encode([Nothing(), Nothing()])).count == 2)
    let wrappers = BinaryCoder<[Wrapper<Wrapper<[Int?]>>]>()
    let value = [Wrapper(Wrapper([1, nil])), Wrapper(Wrapper([]))]
    #expect(try wrappers.decode(try wrappers.encode(value)) == value)
  }

  struct Counting: Codable {
    var counts: [Int?]

    init(counts: [Int?]) { self.counts = counts }

    func encode(to encoder: any Encoder) throws {
      var list = encoder.unkeyedContainer()
      for count in counts { try list.encode(count) }
    }

    init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      counts = [list.count]
      while !list.isAtEnd {
        counts.append(try list.decodeNil() ? nil : try list.decode(Int.self))
        counts.append(list.currentIndex)
      }
    }
  }

  @Test func `that are lists know their count and position`() throws {
    let coder = BinaryCoder<Counting>()
    let again = try coder.decode(try coder.encode(Counting(counts: [5, nil, 300])))
    #expect(again.counts == [3, 5, 1, nil, 2, 300, 3])
  }

  struct Late: Encodable, Decodable {
    nonisolated(unsafe) static var kept: (any Encoder)?

    init() {}
    init(from decoder: any Decoder) throws {}

    func encode(to encoder: any Encoder) throws { unsafe Self.kept = encoder }
  }

  @Test func `that are written to too late trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = try BinaryCoder<[Late]>().encode([Late()])
      _ = unsafe Late.kept?.container(keyedBy: Keys.self)
    }
  }

  struct Peek: Codable {
    nonisolated(unsafe) static var kept: KeyedDecodingContainer<Keys>?

    init() {}
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(1, forKey: .a)
    }
    init(from decoder: any Decoder) throws {
      unsafe Self.kept = try decoder.container(keyedBy: Keys.self)
    }
  }

  @Test func `that are read too late trap`() async {
    await #expect(processExitsWith: .failure) {
      let coder = BinaryCoder<Peek>()
      _ = try coder.decode(try coder.encode(Peek()))
      _ = try unsafe Peek.kept?.decode(Int.self, forKey: .a)
    }
  }

  /// A value whose encoding begins and then fails.
  struct Failing: Encodable {
    struct Failure: Error {}

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode([1, 2], forKey: .a)
      var nested = container.nestedContainer(keyedBy: Keys.self, forKey: .inner)
      try nested.encode(3, forKey: .b)
      throw Failure()
    }
  }

  /// Leaves out what cannot be encoded, and takes the second form of what fails in the first.
  struct Lenient: Codable, Equatable {
    var a = 1
    var list = [2, 3]
    var c = "four"

    init() {}

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(a, forKey: .a)
      try? container.encode(Failing(), forKey: .d)
      var list = container.nestedUnkeyedContainer(forKey: .list)
      try list.encode(self.list[0])
      try? list.encode(Failing())
      try list.encode(self.list[1])
      #expect(list.count == 2)
      try container.encode(Either(text: c), forKey: .c)
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Keys.self)
      a = try container.decode(Int.self, forKey: .a)
      list = try container.decode([Int].self, forKey: .list)
      c = try container.decode(String.self, forKey: .c)
      #expect(Set(container.allKeys) == [.a, .list, .c])
    }
  }

  /// Tries one form, then another.
  struct Either: Encodable {
    var text: String

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      do { try container.encode(Failing()) } catch { try container.encode(text) }
    }
  }

  /// The story: a value whose encoding failed stayed open, so that `try?` around one field trapped at
  /// the next.
  @Test func `go on after a value that failed, as if it had not been there`() throws {
    let coder = BinaryCoder<[Lenient]>()
    #expect(try coder.decode(try coder.encode([Lenient(), Lenient()])) == [Lenient(), Lenient()])
  }

  /// Reads what it can.
  struct Guess: Decodable {
    struct Wrong: Decodable {
      init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        _ = try? container.decode([Int].self, forKey: .a)
        _ = try container.decode(String.self, forKey: .b)
      }
    }

    var path: [String] = []

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Keys.self)
      #expect((try? container.decode(Wrong.self, forKey: .inner)) == nil)
      #expect((try? container.decode([Wrong].self, forKey: .list)) == nil)
      do { _ = try container.decode(Int.self, forKey: .d) } catch DecodingError.typeMismatch(
        _, let context)
      {
        path = context.codingPath.map(\.stringValue)
      }
    }
  }

  /// The story: keys of what had failed stayed in the path of later errors.
  @Test func `tell the path of an error after others were caught`() throws {
    let bytes = try BinaryCoder<[String: [String: [Int]]]>().encode([
      "inner": ["a": [1]], "list": ["b": [2]], "d": [:],
    ])
    let guess = try unsafe RecordReader.read(bytes.span.bytes) { reader in
      try BinaryCoder<Guessing>().decode(from: &reader)
    }
    #expect(guess.guess.path == ["d"])
  }

  struct Guessing: Codable {
    var guess: Guess
    init(from decoder: any Decoder) throws { guess = try Guess(from: decoder) }
    func encode(to encoder: any Encoder) throws {}
  }

  class Creature: Codable {
    enum Field: String, CodingKey {
      case kind, legs, name, sounds, weight
    }

    var kind: String { "creature" }
    var read: [Field: String] = [:]

    init() {}

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Field.self)
      try container.encode(kind, forKey: .kind)
      try container.encode(4, forKey: .legs)
      var sounds = container.nestedUnkeyedContainer(forKey: .sounds)
      try container.encode(["any": ["name"]], forKey: .name)
      try sounds.encode("none")
      try container.encode(1.5, forKey: .weight)
    }

    required init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Field.self)
      #expect(container.allKeys.count == 5)
      read[.kind] = try container.decode(String.self, forKey: .kind)
      read[.legs] = "\(try container.decode(Int.self, forKey: .legs))"
      read[.name] = try container.decode(String.self, forKey: .name)
      read[.sounds] = try container.decode([String].self, forKey: .sounds).joined()
      read[.weight] = "\(try container.decode(Double.self, forKey: .weight))"
    }
  }

  /// Says some things otherwise than its superclass.
  final class Bird: Creature {
    override func encode(to encoder: any Encoder) throws {
      try super.encode(to: encoder)
      var container = encoder.container(keyedBy: Field.self)
      try container.encode("bird", forKey: .kind)
      try container.encode("Tweety", forKey: .name)
      try container.encode(2, forKey: .legs)
    }
  }

  /// The story: both values were stored, and the first was read: another than JSON has.
  @Test func `keep the later value of two under one key`() throws {
    let coder = BinaryCoder<[Bird]>()
    for bird in try coder.decode(try coder.encode([Bird(), Bird()])) {
      #expect(
        bird.read == [
          .kind: "bird", .legs: "2", .name: "Tweety", .sounds: "none", .weight: "1.5",
        ])
    }
  }

  /// Asks for a nested container twice, and would lose what the first holds.
  struct Twice: Codable {
    init() {}
    init(from decoder: any Decoder) throws {}

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      for key in [Keys.a, .b] {
        var inner = container.nestedContainer(keyedBy: Keys.self, forKey: .inner)
        try inner.encode(1, forKey: key)
      }
    }
  }

  @Test func `refuse a second nested container under one key`() {
    #expect(throws: EncodingError.self) { try BinaryCoder<Twice>().encode(Twice()) }
  }

  /// A value within itself, as deep as one likes.
  struct Endless: Codable {
    init() {}
    init(from decoder: any Decoder) throws {}

    func encode(to encoder: any Encoder) throws {
      var container = encoder.unkeyedContainer()
      try container.encode(Endless())
    }
  }

  /// The story: that a value is nested too deeply was told when all of it was encoded, which the stack
  /// did not live to see.
  @Test func `refuse what is nested without an end`() throws {
    #expect(throws: EncodingError.self) { try BinaryCoder<Endless>().encode(Endless()) }
    #expect(try BinaryCoder<[Int]>().encode([1]).count > 0)
  }
}
