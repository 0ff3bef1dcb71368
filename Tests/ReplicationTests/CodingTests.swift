import Consensus
import Primitives
import RawBytes
import Replication
import Testing

/// Everything that is stored or sent comes back as it was, and whatever else comes is an error.
@Suite struct `The bytes of replication` {
  static let ballot = Ballot(round: 0x0102, replica: ReplicaID(3))
  static let configuration = Configuration(
    voters: [ReplicaID(1), ReplicaID(2), ReplicaID(3)], learners: [ReplicaID(4)],
    removed: [ReplicaID(9)])

  static let contents: [Consensus.Entry.Content] = [
    .noOperation, .newLeader(usesLease: true), .newLeader(usesLease: false),
    .configuration(configuration), .command([1, 2, 3]), .command([]), .tick, .leaseRelease,
  ]

  static let entries = contents.enumerated().map { index, content in
    Consensus.Entry(
      slot: Slot(UInt64(index) + 5), ballot: ballot, content: content,
      leaderTime: BootTime(nanoseconds: 77))
  }

  static let messages: [Message] = [
    .suspect(attempt: 7, chosenSlot: Slot(9), logStart: Slot(3)),
    .suspectReply(attempt: 7, agrees: true, promised: ballot),
    .prepare(ballot, from: Slot(10)),
    .promise(
      Promise(
        ballot: ballot, chosenSlot: Slot(4), logStart: Slot(1), accepted: entries,
        unknown: Slot(20)..<Slot(30))),
    .promise(
      Promise(
        ballot: ballot, chosenSlot: Slot(4), logStart: Slot(1), accepted: [], unknown: nil)),
    .reject(asked: ballot, promised: Ballot(round: 900, replica: ReplicaID(1))),
    .accept(ballot, entries: entries, chosenSlot: Slot(4)),
    .accepted(ballot, through: Slot(6), beyond: [Slot(8), Slot(9)]),
    .chosen(
      ChosenNotice(
        ballot: ballot, through: Slot(6), readRound: 5, keepFrom: Slot(2),
        sentAt: BootTime(nanoseconds: 1234))),
    .acknowledge(
      Acknowledgement(
        ballot: ballot, readRound: 5, chosenSlot: Slot(6), durablyChosen: Slot(5),
        echo: BootTime(nanoseconds: 1234), clock: BootTime(nanoseconds: 99))),
    .fetch(Slot(3)..<Slot(8)),
    .fetched(entries, chosenSlot: Slot(20), logStart: Slot(2)),
    .readIndex(RequestID(44)),
    .readIndexReply(RequestID(44), .success(Slot(8))),
    .readIndexReply(RequestID(44), .failure(.notLeader(hint: ReplicaID(2)))),
    .readIndexReply(RequestID(44), .failure(.notLeader(hint: nil))),
    .readIndexReply(RequestID(44), .failure(.overloaded)),
    .readIndexReply(RequestID(44), .failure(.unknownOutcome)),
    .readIndexReply(RequestID(44), .failure(.busy)),
    .readIndexReply(RequestID(44), .failure(.unsafeConfiguration)),
    .readIndexReply(RequestID(44), .failure(.unavailable)),
    .takeOver(ballot),
    .removed(at: Slot(12)),
  ]

  static let images: [ImageMessage] = [
    .offer(
      ImageOffer(
        id: 5,
        base: LogBase(
          slot: Slot(100), configuration: configuration, configurationSlot: Slot(40)),
        stateHash: StateHash(6), chunkHashes: [StateHash(7), StateHash(8)])),
    .request(id: 5, chunk: 1), .chunk(id: 5, chunk: 1, bytes: [9, 9, 9]), .gone(id: 5),
    .done(id: 5),
  ]

  static let parcels =
    messages.map { Parcel(group: GroupID(7), from: ReplicaID(1), to: ReplicaID(2), .consensus($0)) }
    + images.map { Parcel(group: GroupID(7), from: ReplicaID(1), to: ReplicaID(2), .image($0)) }
    + [
      Parcel(
        group: GroupID(8), from: ReplicaID(1), to: ReplicaID(2),
        .stateHash(Slot(1024), StateHash(11)))
    ]

  static let cluster = DatabaseID(high: 0x1111, low: 0x2222)

  static func frame(_ parcels: [Parcel]) -> [UInt8] {
    var writer = FrameWriter(cluster: cluster)
    for parcel in parcels { writer.append(parcel) }
    return writer.finish()
  }

  private func decode(_ frame: [UInt8]) throws(FrameError) -> [Parcel] {
    try frame.withByteView { (bytes) throws(FrameError) in
      try Frame.decode(bytes, cluster: Self.cluster)
    }
  }

  // MARK: Frames

  @Test func `bring every message as it was`() throws {
    #expect(try decode(Self.frame(Self.parcels)) == Self.parcels)
    for parcel in Self.parcels { #expect(try decode(Self.frame([parcel])) == [parcel]) }
    #expect(try decode(Self.frame([])) == [])
  }

  @Test func `of a frame with any bit flipped, or cut anywhere, are an error`() {
    for parcel in Self.parcels {
      let frame = Self.frame([parcel])
      for index in frame.indices {
        for bit in 0..<8 {
          var other = frame
          other[index] ^= 1 << UInt8(bit)
          #expect(throws: FrameError.self) { try decode(other) }
        }
        #expect(throws: FrameError.self) { try decode(Array(frame[..<index])) }
      }
      #expect(throws: FrameError.self) { try decode(frame + [0]) }
    }
  }

  /// The checksum would hide what decoders do with bytes that lie; here it is right.
  @Test func `of a frame that lies under a right checksum never trap`() {
    var wrong = 0
    for parcel in Self.parcels {
      let frame = Self.frame([parcel])
      for index in 8..<frame.count {
        for value in [UInt8(0), 1, 0x7F, 0xFF, frame[index] ^ 0x80, frame[index] &+ 1] {
          var other = frame
          other[index] = value
          let checksum = other.withByteView { CRC32C.checksum($0.dropFirst(8)) }
          for byte in 0..<4 { other[4 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * byte)) }
          do {
            // What can be read is something that encodes to the same bytes.
            let parcels = try decode(other)
            #expect(Self.frame(parcels) == other)
          } catch {
            wrong += 1
          }
        }
      }
    }
    #expect(wrong > 1000)
  }

  @Test func `of another cluster or version are told apart from damage`() {
    let frame = Self.frame([Self.parcels[0]])
    #expect(throws: FrameError.foreignCluster(Self.cluster)) {
      try frame.withByteView { (bytes) throws(FrameError) in
        try Frame.decode(bytes, cluster: DatabaseID(high: 1, low: 1))
      }
    }
    var newer = frame
    newer[8] = 2
    let checksum = newer.withByteView { CRC32C.checksum($0.dropFirst(8)) }
    for byte in 0..<4 { newer[4 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * byte)) }
    #expect(throws: FrameError.otherVersion(2)) { try decode(newer) }
  }

  @Test func `of a frame are those of the specification`() {
    let parcel = Parcel(
      group: GroupID(7), from: ReplicaID(1), to: ReplicaID(2),
      .consensus(
        .accept(
          Ballot(round: 5, replica: ReplicaID(1)),
          entries: [
            Entry(
              slot: Slot(3), ballot: Ballot(round: 5, replica: ReplicaID(1)),
              content: .command(Array("put".utf8)), leaderTime: BootTime(nanoseconds: 1000))
          ], chosenSlot: Slot(2))))
    #expect(hex(Self.frame([parcel])) == Golden.frame)
  }

  // MARK: Records of the log

  @Test func `of a group record come back, and any others are an error or a record`() throws {
    let record = GroupRecord(
      group: GroupID(7), replica: ReplicaID(2), chosenHint: Slot(4), entries: Self.entries)
    var buffer = ByteBuffer()
    record.encode(into: &buffer)
    #expect(try GroupRecord(decoding: buffer.view) == record)
    let bytes = buffer.view.array
    for index in bytes.indices {
      #expect(throws: CorruptionError.self) {
        try Array(bytes[..<index]).withByteView { _ = try GroupRecord(decoding: $0) }
      }
      for bit in 0..<8 {
        var other = bytes
        other[index] ^= 1 << UInt8(bit)
        let again = try? other.withByteView { try GroupRecord(decoding: $0) }
        guard let again else { continue }
        var encoded = ByteBuffer()
        again.encode(into: &encoded)
        #expect(encoded.view.array == other)
      }
    }
  }

  @Test func `of a group record are those of the specification`() {
    var buffer = ByteBuffer()
    GroupRecord(
      group: GroupID(7), replica: ReplicaID(2), chosenHint: Slot(1),
      entries: [
        Entry(
          slot: Slot(3), ballot: Ballot(round: 5, replica: ReplicaID(1)),
          content: .configuration(
            Configuration(voters: [ReplicaID(1), ReplicaID(2)], learners: [ReplicaID(3)])),
          leaderTime: BootTime(nanoseconds: 1000))
      ]
    ).encode(into: &buffer)
    #expect(hex(buffer.view.array) == Golden.groupRecord)
  }

  // MARK: Promises

  static var table: PromiseTable {
    var table = PromiseTable(
      identity: NodeIdentity(cluster: cluster, node: NodeID(high: 3, low: 4)))
    table.sequence = 9
    table.restartCount = 2
    table.generation = Generation(6)
    table.replayFrom = LogPosition(8192)
    table.durableThrough = LogPosition(12288)
    table.rows[GroupID(7)] = PromiseTable.Row(
      hardState: HardState(promised: ballot, chosenHint: Slot(4)), unknown: Slot(5)..<Slot(9))
    table.rows[GroupID(8)] = PromiseTable.Row(hardState: nil, isFounding: true)
    return table
  }

  @Test func `of promises come back, and with any bit flipped are an error`() throws {
    let bytes = Self.table.encoded
    #expect(bytes.count == 4096)
    #expect(try bytes.withByteView { try PromiseTable(decoding: $0) } == Self.table)
    for index in 0..<96 + 2 * 52 {
      for bit in 0..<8 {
        var other = bytes
        other[index] ^= 1 << UInt8(bit)
        #expect(throws: CorruptionError.self) {
          try other.withByteView { _ = try PromiseTable(decoding: $0) }
        }
      }
      #expect(throws: CorruptionError.self) {
        try Array(bytes[..<index]).withByteView { _ = try PromiseTable(decoding: $0) }
      }
    }
    #expect(hex(Array(bytes[..<(96 + 2 * 52)])) == Golden.promises)
  }

  // MARK: States

  @Test func `of an identity, a state row and a hash are those of the specification`() throws {
    let identity = NodeIdentity(cluster: Self.cluster, node: NodeID(high: 3, low: 4))
    let bytes = identity.encoded
    #expect(hex(bytes) == Golden.identity)
    #expect(try bytes.withByteView { try NodeIdentity(decoding: $0) } == identity)
    for index in bytes.indices {
      var other = bytes
      other[index] ^= 1
      #expect(throws: CorruptionError.self) {
        try other.withByteView { _ = try NodeIdentity(decoding: $0) }
      }
    }
    let row = StateRow(
      base: LogBase(
        slot: Slot(100), configuration: Self.configuration, configurationSlot: Slot(40)),
      hash: StateHash(6))
    var buffer = ByteBuffer()
    row.encode(into: &buffer)
    #expect(hex(buffer.view.array) == Golden.stateRow)
    #expect(try StateRow(decoding: buffer.view) == row)
    let hash = Array("martlet".utf8).withByteView { StateHash.of($0) }
    #expect(String(hash.value, radix: 16) == Golden.hash)
  }

  @Test func `of a command come back, and any others are an error or a command`() throws {
    let session = SessionID(12)
    let commands = [
      Command(.openSession), Command(.put(key: [1], value: [2, 3])), Command(.delete(key: [1])),
      Command(
        session: session, sequence: 4, acknowledgedThrough: 2,
        .compareAndSet(key: [1], expected: nil, value: [5])),
      Command(
        session: session, sequence: 5, .compareAndSet(key: [1], expected: [5], value: [])),
    ]
    for command in commands {
      let logged = LoggedCommand(origin: 99, command: command)
      let bytes = logged.encoded
      #expect(try bytes.withByteView { try LoggedCommand(decoding: $0) } == logged)
      for index in bytes.indices {
        #expect(throws: CorruptionError.self) {
          try Array(bytes[..<index]).withByteView { _ = try LoggedCommand(decoding: $0) }
        }
        for bit in 0..<8 {
          var other = bytes
          other[index] ^= 1 << UInt8(bit)
          let again = try? other.withByteView { try LoggedCommand(decoding: $0) }
          if let again { #expect(again.encoded == other) }
        }
      }
    }
    #expect(hex(LoggedCommand(origin: 99, command: commands[4]).encoded) == Golden.command)
  }
}

/// Bytes in rows of sixteen, as the specification shows them.
func hex(_ bytes: [UInt8]) -> String {
  bytes.map { byte in
    let digits = String(byte, radix: 16)
    return digits.count == 1 ? "0" + digits : digits
  }.joined()
}

extension Parcel {
  init(group: GroupID, from: ReplicaID, to: ReplicaID, _ content: Content) {
    self.init(group: group, from: from, to: to, content: content)
  }
}
