import Martlet
import Paging
import Primitives
import RawBytes
import RedoLog
import VersionStore

/// Seeds of the `codec` target: one of each structure, as the engine writes it.
enum CodecSeeds {
  @Sendable static func all() -> [(name: String, bytes: [UInt8])] {
    structures().map { (name: $0.name, bytes: [$0.codec.rawValue] + $0.bytes) }
  }

  private static func structures() -> [(name: String, codec: Codec, bytes: [UInt8])] {
    var batch = WriteBatchBuilder()
    Array("apple".utf8).withByteView { key in
      Array("red".utf8).withByteView { batch.set(key, to: $0, in: KeyspaceID(1)) }
    }
    Array("pear".utf8).withByteView { batch.remove($0, in: KeyspaceID(1)) }
    Array("plum".utf8).withByteView {
      batch.setLarge($0, ordinal: 0, byteCount: 70_000, in: KeyspaceID(300))
    }
    let payload = batch.finish().bytes.array
    let record = memory(LogRecord.headerByteCount + payload.count) { bytes in
      payload.withByteView {
        LogRecord.encode(
          .commit, transaction: TransactionID(7), timestamp: Timestamp(1_700_000_000),
          entryCount: 3,
          payload: $0, into: bytes, at: 0)
      }
    }
    let sealed = memory(4096) { bytes in
      record.withByteView { bytes.copy($0, at: BatchHeader.byteCount) }
      _ = BatchHeader(
        flags: .opening, salt: 99, number: 5, position: LogPosition(8192),
        durablePosition: LogPosition(8000), generation: Generation(2), ceiling: Timestamp(1 << 60),
        payloadByteCount: UInt32(record.count), recordCount: 1, previousChecksum: 12
      ).seal(bytes)
    }
    var continuation = ByteBuffer()
    Array("piece".utf8).withByteView {
      Continuation.encode(
        ordinal: 3, byteCount: 70_000, offset: 300, piece: $0, into: &continuation)
    }
    let entry = PageMapEntry(
      place: Place(start: 40, unitCount: 3), flags: .compressed, checksum: 0xDEAD_BEEF,
      birth: Generation(3))
    let owner = OwnerState(
      applied: LogPosition(9000), replayFrom: LogPosition(8192), clock: Timestamp(1 << 60),
      nextTransaction: TransactionID(8))
    let superblock = Superblock(
      id: DatabaseID(high: 1, low: 2), pageSize: 4096, generation: Generation(3),
      timestamp: Timestamp(5), ownerState: owner.encoded, mapDepth: 1,
      mapRoot: PageMapEntry(
        place: Place(start: 48, unitCount: 8), flags: [], checksum: 1, birth: Generation(3)),
      rootTablePlace: Place(start: 56, unitCount: 1), rootTableByteCount: 31, rootTableChecksum: 2)
    let table = RootTable(
      nextKeyspaceID: KeyspaceID(4),
      roots: [
        .init(keyspace: .catalog, page: PageID(1)), .init(keyspace: KeyspaceID(3), page: PageID(9)),
      ],
      tombstones: [TombstoneHint(keyspace: KeyspaceID(3), key: [1, 2, 3])],
      unswept: [KeyspaceID(3)])
    return [
      ("record", .record, [1, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + record),
      ("batch", .batch, sealed),
      ("write-batch", .writeBatch, payload),
      ("continuation", .continuation, continuation.view.array),
      (
        "catalog-entry", .catalogEntry,
        CatalogEntry(name: "fruit", state: .live, options: [1, 2]).encoded
      ),
      ("root-table", .rootTable, table.encoded),
      ("owner-state", .ownerState, owner.encoded),
      ("superblock", .superblock, memory(Superblock.byteCount) { superblock.encode(into: $0) }),
      (
        "map-entry", .mapEntry,
        memory(32) {
          entry.encode(into: $0, at: 0)
          $0.store(UInt32(100), at: 16)
          $0.store(UInt32(7), at: 20)
        }
      ),
      (
        "segment-header", .segmentHeader,
        memory(64) {
          SegmentHeader(database: DatabaseID(high: 1, low: 2), number: 3, salt: 4, size: 65536)
            .encode(into: $0)
        }
      ),
      ("key-tuple", .keyTuple, RecordSeeds.keyTuple),
      ("key-tuple-nested", .keyTuple, RecordSeeds.nestedKeyTuple),
      ("coded-record", .codedRecord, RecordSeeds.record),
    ]
  }

  private static func memory(_ byteCount: Int, _ fill: (MutableByteView) -> Void) -> [UInt8] {
    let memory = AlignedMemory(byteCount: byteCount)
    defer { withExtendedLifetime(memory) {} }
    fill(memory.bytes)
    return memory.bytes.view.array
  }
}

/// Seeds of the targets that read text.
enum TextSeeds {
  @Sendable static func files() -> [(name: String, bytes: [UInt8])] {
    func seed(_ name: String, _ choices: [UInt8], _ text: String) -> (name: String, bytes: [UInt8])
    {
      (name, choices + Array(text.utf8))
    }
    // Layout (with `value` three bytes, else two), then the size of a chunk.
    return [
      seed("tsv", [0, 0, 0, 5], "apple\tred\npear\tgreen\\tand\\nyellow\\\\\r\n\nplum\tblue"),
      seed("csv", [1, 0, 0, 5], "name,colour\n\"a \"\"b\"\"\",\"two\nlines\"\r\nx,y\n"),
      seed("csv-header", [0x81, 0, 0, 3], "name,colour,\"size\"\napple,red,3\npear,green,4\n"),
      seed("csv-quote", [1, 0, 0, 9], "a,\"never closed\nb,c\n"),
      seed(
        "jsonl", [0x32, 0, 0, 7],
        "{\"id\":\"a\",\"n\":1,\"x\":[true,null,-1.5e3]}\n{\"id\":2,\"t\":\"\\ud83d\\ude00\\n\"}\n"),
      seed("mark", [0, 0, 0, 1], "\u{FEFF}key\tvalue\n"),
    ]
  }

  @Sendable static func requests() -> [(name: String, bytes: [UInt8])] {
    let lines: [(String, [String])] = [
      (
        "session",
        [
          #"{"id":1,"op":"reset","setup":{"x":1,"y":"two"}}"#,
          #"{"id":2,"session":"A","op":"begin","level":"SI"}"#,
          #"{"id":3,"session":"A","op":"get","args":["x"]}"#,
          #"{"id":4,"session":"A","op":"put","args":["x",5]}"#,
          #"{"id":5,"session":"A","op":"incr","args":["x",9223372036854775807]}"#,
          #"{"id":6,"session":"A","op":"scan","args":["a",null,10]}"#,
          #"{"id":7,"session":"A","op":"cas","args":["y","two","three"]}"#,
          #"{"id":8,"session":"A","op":"commit"}"#, #"{"id":9,"op":"dump"}"#,
        ]
      ),
      (
        "two",
        [
          #"{"id":1,"session":"A","op":"begin","level":"SI","protocol":null}"#,
          #"{"id":2,"session":"B","op":"begin","level":"SER"}"#,
          #"{"id":3,"session":"A","op":"put","args":["k","a"]}"#,
          #"{"id":4,"session":"B","op":"put","args":["k","b"]}"#,
          #"{"id":5,"session":"A","op":"delete","args":["k"]}"#,
          #"{"id":6,"session":"A","op":"abort"}"#, #"{"id":7,"session":"B","op":"savepoint"}"#,
        ]
      ),
      ("broken", [#"{"id":"#, "[]", #"{"op":5}"#, #"{"id":{},"session":"","op":"get"}"#]),
    ]
    return lines.map { (name: $0.0, bytes: Array($0.1.joined(separator: "\n").utf8)) }
  }
}
