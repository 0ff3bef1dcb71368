import Primitives
import RawBytes
import RedoLog
import Testing

@Suite("Batches")
struct BatchTests {
  private func header(_ number: UInt64 = 7, payload: Int = 100) -> BatchHeader {
    BatchHeader(
      flags: .opening, salt: 0xabcd, number: number, position: LogPosition(number * 4096),
      durablePosition: LogPosition(99), generation: Generation(3), ceiling: Timestamp(1 << 60),
      payloadByteCount: UInt32(payload), recordCount: 2, previousChecksum: 0x1234_5678)
  }

  /// A whole batch with some payload, and its header with the checksum.
  private func sealed(_ header: BatchHeader) -> ([UInt8], BatchHeader) {
    let memory = AlignedMemory(byteCount: header.storedByteCount)
    for index in 0..<memory.count { memory.bytes[index] = UInt8(truncatingIfNeeded: index) }
    var header = header
    header.checksum = header.seal(memory.bytes)
    return (memory.bytes.view.array, header)
  }

  private func read(
    _ bytes: [UInt8], salt: UInt64 = 0xabcd, room: Int = 1 << 20
  ) throws(BatchFault) -> BatchHeader {
    try bytes.withByteView { (view) throws(BatchFault) in
      let header = try BatchReading.header(of: view, salt: salt, room: room)
      try BatchReading.check(view, header)
      return header
    }
  }

  @Test(arguments: [0, 1, 100, 4024, 4025, 9000])
  func `a batch reads back as written, in whole blocks, zeros behind`(payload: Int) throws {
    let (bytes, header) = sealed(header(payload: payload))
    #expect(try read(bytes) == header)
    #expect(bytes.count == (72 + payload + 4095) / 4096 * 4096)
    #expect(bytes[(72 + payload)...].allSatisfy { $0 == 0 })
  }

  @Test func `every flipped bit before the padding is found`() {
    let (bytes, _) = sealed(header(payload: 20))
    for index in 0..<92 {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << bit
        #expect(throws: BatchFault.self) { try read(damaged) }
      }
    }
  }

  @Test func `a batch of another salt, or too long for its segment, is none (W1)`() {
    let (bytes, _) = sealed(header(payload: 5000))
    #expect(throws: BatchFault.foreignSalt) { try read(bytes, salt: 1) }
    #expect(throws: BatchFault.length) { try read(bytes, room: 4096) }
    #expect(throws: BatchFault.missing) { try read([UInt8](repeating: 0, count: 4096)) }
  }

  @Test func `unknown flags are refused although the checksum is right`() {
    var header = header()
    header.flags = BatchFlags(rawValue: 8)
    let (bytes, _) = sealed(header)
    #expect(throws: BatchFault.form) { try read(bytes) }
  }

  @Test func `random bytes never trap`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      var bytes = (0..<4096).map { _ in UInt8.random(in: 0...255, using: &generator) }
      bytes.replaceSubrange(0..<4, with: [0x4d, 0x42, 0x41, 0x54])
      #expect(throws: BatchFault.self) { try read(bytes) }
    }
  }
}

@Suite("The chain of batches")
struct BatchChainTests {
  private let first = BatchHeader(
    salt: 1, number: 7, position: LogPosition(8192), durablePosition: LogPosition(8000),
    generation: Generation(2), ceiling: Timestamp(5), payloadByteCount: 5000, recordCount: 1,
    previousChecksum: 4, checksum: 99)

  private var next: BatchHeader {
    BatchHeader(
      salt: 1, number: 8, position: LogPosition(8192 + 8192), durablePosition: first.recordsEnd,
      generation: Generation(2), ceiling: Timestamp(6), payloadByteCount: 10, recordCount: 1,
      previousChecksum: 99, checksum: 3)
  }

  private func fault(_ change: (inout BatchHeader) -> Void = { _ in }) -> BatchChain.Fault? {
    var changed = next
    change(&changed)
    return BatchChain(last: first).fault(of: changed)
  }

  @Test func `any batch may be the first`() {
    #expect(BatchChain().fault(of: first) == nil)
  }

  @Test func `the next one follows, and nothing else`() {
    #expect(fault() == nil)
    #expect(fault { $0.number = 7 } == .number)
    #expect(fault { $0.number = 9 } == .number)
    #expect(fault { $0.previousChecksum = 98 } == .previousChecksum)
    #expect(fault { $0.position = LogPosition(20480) } == .position)
    #expect(fault { $0.generation = Generation(1) } == .generation)
    #expect(fault { $0.generation = Generation(3) } == nil)
  }

  @Test func `only an opening batch skips ahead, and none goes back (R6)`() {
    #expect(
      fault {
        $0.position = LogPosition(1 << 32)
        $0.flags = .opening
      } == nil)
    #expect(
      fault {
        $0.position = LogPosition(12288)
        $0.flags = .opening
      } == .position)
  }

  @Test func `behind a closing batch stands an opening one`() {
    var closed = first
    closed.flags = .closing
    #expect(BatchChain(last: closed).fault(of: next) == .afterClosing)
    var opening = next
    opening.flags = .opening
    #expect(BatchChain(last: closed).fault(of: opening) == nil)
  }

  @Test func `a later batch proves a loss, an earlier one does not (W2)`() {
    let chain = BatchChain(last: first)
    var later = next
    later.number = 20
    later.position = LogPosition(1 << 20)
    #expect(chain.provesLoss(later))
    #expect(!chain.provesLoss(first))
    var old = later
    old.number = 3
    #expect(!chain.provesLoss(old))
  }

  @Test func `advancing over what does not follow is a bug and stops the process`() async {
    await #expect(processExitsWith: .failure) {
      let header = BatchHeader(
        salt: 1, number: 7, position: .zero, durablePosition: .zero, generation: Generation(0),
        ceiling: .zero, payloadByteCount: 0, recordCount: 0, previousChecksum: 0)
      var chain = BatchChain(last: header)
      chain.advance(over: header)
    }
  }
}
