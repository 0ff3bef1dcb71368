import Foundation
import RecordCoding
import Seeds
import Testing

@Suite struct `Hostile records` {
  @Test func `end in an error or in a record, and never in a trap`() throws {
    var chance = SplitMix(Seed.take(for: "hostile records"))
    let coder = BinaryCoder<Everything>()
    var refused = 0
    for _ in 0..<150 {
      let bytes = try coder.encode(Everything.random(&chance))
      for _ in 0..<20 {
        var damaged = bytes
        for _ in 0..<Int.random(in: 1...3, using: &chance) {
          let position = Int.random(in: 0..<damaged.count, using: &chance)
          switch Int.random(in: 0..<4, using: &chance) {
          case 0: damaged[position] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
          case 1: damaged[position] = UInt8.random(in: 0 ... .max, using: &chance)
          case 2 where damaged.count > 1: damaged.remove(at: position)
          default: damaged.insert(UInt8.random(in: 0...0x2F, using: &chance), at: position)
          }
        }
        do {
          _ = try coder.decode(damaged)
        } catch is DecodingError {
          refused += 1
        }
      }
    }
    #expect(refused > 300)
  }

  @Test func `that end anywhere are refused`() throws {
    struct Small: Codable { var number = 300, text = "abc", list = [1.5] }
    let coder = BinaryCoder<Small>()
    let bytes = try coder.encode(Small())
    for count in 0..<bytes.count {
      #expect(throws: DecodingError.self) { try coder.decode(Array(bytes.prefix(count))) }
    }
  }

  final class Chain: Codable {
    var next: Chain?

    init(_ next: Chain?) { self.next = next }
  }

  @Test func `nested too deeply are neither read nor written`() throws {
    func chain(_ count: Int) -> Chain {
      (1..<count).reduce(Chain(nil)) { chain, _ in Chain(chain) }
    }
    let coder = BinaryCoder<Chain>()
    _ = try coder.decode(try coder.encode(chain(128)))
    #expect(throws: EncodingError.self) { try coder.encode(chain(129)) }
    // What no encoder writes: fields in fields in fields, each with a count.
    var bytes: [UInt8] = []
    for _ in 0..<200 {
      var count = bytes.count
      var head: [UInt8] = [0, 0x0A]
      while count >= 128 {
        head.append(UInt8(count & 127 | 128))
        count >>= 7
      }
      bytes = head + [UInt8(count)] + bytes
    }
    #expect(throws: DecodingError.self) {
      try coder.decode([1, 5, 4] + Array("next".utf8) + [0x0A] + bytes)
    }
  }

  @Test func `of another format are named as such`() {
    do {
      _ = try BinaryCoder<Int>().decode([9, 0, 0x80])
      Issue.record("decoded")
    } catch DecodingError.dataCorrupted(let context) {
      #expect(
        context.underlyingError as? RecordDecodingError
          == RecordDecodingError(offset: 0, reason: .unknownFormat(9)))
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func `with names that are not there are refused`() {
    #expect(throws: DecodingError.self) {
      try BinaryCoder<[String: Int]>().decode([1, 2, 1, 0x61, 0x0A, 1, 0x80, 0x80])
    }
    #expect(throws: DecodingError.self) {
      try BinaryCoder<[String: Int]>().decode([1, 3, 9, 0x61, 0x62, 0x0A])
    }
  }
}
