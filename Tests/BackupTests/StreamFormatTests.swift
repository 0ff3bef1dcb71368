import Foundation
import Martlet
import Paging
import Primitives
import RawBytes
import Testing

/// `format-spec/backup-stream.md`.
@Suite struct `The format of backup streams` {
  @Test func `is that of the vector`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let vector = [UInt8](
      try Data(contentsOf: root.appending(path: "format-spec/vectors/backup-stream.bin")))
    var decoder = BackupStreamDecoder()
    decoder.append(vector)
    var encoder = BackupStreamEncoder()
    var again = BackupStreamFormat.preamble
    var kinds: [BackupStreamFormat.Kind] = []
    while let frame = try decoder.next() {
      kinds.append(frame.kind)
      var content = ByteBuffer()
      Array(frame.content).withByteView { content.append($0) }
      again += encoder.frame(frame.kind, content)
      let bytes = Array(frame.content)
      switch frame.kind {
      case .start:
        let reading = bytes.withByteView { Superblock.read($0.prefix(Superblock.byteCount)) }
        guard case .valid(let superblock) = reading else {
          Issue.record("no superblock")
          continue
        }
        #expect(superblock.pageSize == 16_384 && superblock.generation == Generation(5))
      case .images:
        bytes.withByteView { view in
          #expect(view.load(UInt32.self, at: 0) == 1 && view.load(UInt32.self, at: 8) == 7)
          let entry = PageMapEntry(view, at: 12)
          #expect(entry.place.byteCount == 512 && entry.birth == Generation(5))
          #expect(CRC32C.checksum(view.dropFirst(28)) == entry.checksum)
          #expect(view.dropFirst(28).array == [UInt8](repeating: 0x2A, count: 512))
        }
      case .rootTable: #expect(bytes == [1, 2, 3, 4, 5])
      case .end:
        bytes.withByteView { view in
          #expect(view.load(UInt64.self, at: 0) == 1 && view.load(UInt64.self, at: 8) == 512)
        }
      }
    }
    #expect(decoder.isEmpty)
    #expect(kinds == [.start, .images, .rootTable, .end])
    #expect(again == vector)
  }
}
