import RawBytes
import Testing

@Suite struct Hash64Tests {
  @Test func `every byte counts at every length`() {
    for length in 1...70 {
      var bytes = [UInt8](repeating: 7, count: length)
      let whole = bytes.withByteView { Hash64.hash($0, seed: 1) }
      for index in 0..<length {
        bytes[index] ^= 1
        #expect(bytes.withByteView { Hash64.hash($0, seed: 1) } != whole)
        bytes[index] ^= 1
      }
    }
  }

  @Test func `length and seed count`() {
    var seen: Set<UInt64> = []
    for length in 0...64 {
      for seed in 0..<4 {
        let bytes = [UInt8](repeating: 0, count: length)
        seen.insert(bytes.withByteView { Hash64.hash($0, seed: UInt64(seed)) })
      }
    }
    #expect(seen.count == 65 * 4)
  }

  @Test func `keys that count upwards spread evenly over buckets`() {
    var buckets = [Int](repeating: 0, count: 256)
    for number in 0..<65_536 {
      let key = unsafe withUnsafeBytes(of: UInt32(number).bigEndian) { unsafe [UInt8]($0) }
      buckets[Int(key.withByteView { Hash64.hash($0, seed: 3) } & 255)] += 1
    }
    // The expected count is 256 with a deviation of 16.
    #expect(buckets.allSatisfy { $0 > 256 - 6 * 16 && $0 < 256 + 6 * 16 })
  }
}
