import Foundation
import Martlet
import Primitives
import RawBytes
import Testing

@Suite struct `The owner state` {
  private let example = OwnerState(
    applied: LogPosition(0x1122), replayFrom: LogPosition(0x1000), clock: Timestamp(77),
    nextTransaction: TransactionID(9))

  @Test func `survives encoding`() throws {
    #expect(example.encoded.count == OwnerState.byteCount)
    #expect(try OwnerState(decoding: example.encoded) == example)
  }

  @Test func `is refused when any byte count or field lies`() {
    let bytes = example.encoded
    for count in 0..<bytes.count {
      #expect(throws: CorruptionError.self) { try OwnerState(decoding: Array(bytes[..<count])) }
    }
    for index in 0..<8 {
      var damaged = bytes
      damaged[index] ^= 1
      #expect(throws: CorruptionError.self, "byte \(index)") {
        try OwnerState(decoding: damaged)
      }
    }
    var late = example
    late.replayFrom = LogPosition(0x1123)
    #expect(throws: CorruptionError.self) { try OwnerState(decoding: late.encoded) }
  }

  @Test func `matches its vector in the format specification`() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "format-spec/vectors/owner-state.bin")
    let vector = [UInt8](try Data(contentsOf: url))
    #expect(try OwnerState(decoding: vector) == example)
    #expect(example.encoded == vector)
  }
}

@Suite struct `A continuation record` {
  @Test func `survives encoding and matches its vector`() throws {
    var buffer = ByteBuffer()
    Array("piece".utf8).withByteView {
      Continuation.encode(ordinal: 3, byteCount: 70000, offset: 300, piece: $0, into: &buffer)
    }
    let decoded = try Continuation(decoding: buffer.view)
    #expect(decoded.ordinal == 3 && decoded.byteCount == 70000 && decoded.offset == 300)
    #expect(decoded.piece.array == Array("piece".utf8))
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "format-spec/vectors/continuation.bin")
    #expect(buffer.view.array == [UInt8](try Data(contentsOf: url)))
  }

  @Test func `is refused when it is cut or overlong`() {
    var buffer = ByteBuffer()
    Array("piece".utf8).withByteView {
      Continuation.encode(ordinal: 3, byteCount: 70000, offset: 300, piece: $0, into: &buffer)
    }
    for count in 0..<buffer.count {
      #expect(throws: CorruptionError.self) {
        try Continuation(decoding: buffer.view.prefix(count))
      }
    }
    buffer.append(integer: UInt8(0))
    #expect(throws: CorruptionError.self) { try Continuation(decoding: buffer.view) }
  }
}
