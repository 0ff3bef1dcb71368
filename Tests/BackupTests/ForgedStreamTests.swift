import Environment
import Martlet
import Paging
import Primitives
import RawBytes
import Seeds
import SystemEnvironment
import Testing

/// Streams with right checksums that claim what no backup has.
///
/// A page id takes four bytes of a stream. The map of a restore once made room for 65,536 entries
/// around each id that it was told, and its writer walked through all ids up to the greatest: some
/// megabytes of a stream took gigabytes of memory, and hours.
@Suite(.timeLimit(.minutes(20))) struct `A forged backup stream` {
  let world = BackupWorld()
  let contents: BackupWorld.Contents
  let stream: [UInt8]

  init() throws {
    let database = try world.database()
    contents = try world.fill(database, seed: Seed.take(for: #function), count: 1_000)
    var stream: [UInt8] = []
    try database.backup { stream += $0 }
    try database.close()
    self.stream = stream
  }

  /// An image as it stands in a stream.
  private struct Image {
    var id: UInt32
    let entry: [UInt8]
    let bytes: [UInt8]
  }

  /// The stream with other images, and with a map of another depth.
  private func forged(depth: UInt16?, _ change: (inout [Image]) -> Void) throws -> [UInt8] {
    var decoder = BackupStreamDecoder()
    decoder.append(stream)
    var encoder = BackupStreamEncoder()
    var result = BackupStreamFormat.preamble
    var (pageCount, byteCount) = (0, 0)
    while let frame = try decoder.next() {
      var content = ByteBuffer()
      switch frame.kind {
      case .start: Self.appendStart(Array(frame.content), depth, to: &content)
      case .images:
        var images = Self.images(Array(frame.content))
        if pageCount == 0 { change(&images) }
        pageCount += images.count
        byteCount += images.reduce(0) { $0 + $1.bytes.count }
        Self.append(images, to: &content)
      case .rootTable: Array(frame.content).withByteView { content.append($0) }
      case .end:
        content.append(integer: UInt64(pageCount))
        content.append(integer: UInt64(byteCount))
      }
      result += encoder.frame(frame.kind, content)
    }
    return result
  }

  private static func appendStart(
    _ bytes: [UInt8], _ depth: UInt16?, to content: inout ByteBuffer
  ) {
    let memory = AlignedMemory(byteCount: Superblock.byteCount)
    defer { withExtendedLifetime(memory) {} }
    bytes.withByteView { view in
      memory.bytes.copy(view.prefix(Superblock.byteCount))
      if case .valid(var superblock) = Superblock.read(memory.bytes.view), let depth {
        superblock.mapDepth = Int(depth)
        superblock.encode(into: memory.bytes)
      }
      content.append(memory.bytes.view)
      content.append(view.dropFirst(Superblock.byteCount))
    }
  }

  private static func images(_ content: [UInt8]) -> [Image] {
    content.withByteView { view in
      let count = Int(view.load(UInt32.self, at: 0))
      var start = 8 + 20 * count
      return (0..<count).map { index in
        let place = 8 + 20 * index
        let byteCount = PageMapEntry(view, at: place + 4).place.byteCount
        defer { start += byteCount }
        return Image(
          id: view.load(UInt32.self, at: place), entry: view[place + 4..<place + 20].array,
          bytes: view[start..<start + byteCount].array)
      }
    }
  }

  private static func append(_ images: [Image], to content: inout ByteBuffer) {
    content.append(integer: UInt32(images.count))
    content.append(zeros: 4)
    for image in images {
      content.append(integer: image.id)
      image.entry.withByteView { content.append($0) }
    }
    for image in images { image.bytes.withByteView { content.append($0) } }
  }

  private func restore(_ bytes: [UInt8]) throws {
    var rest = [bytes]
    try Database.restore(to: "/restored", effects: world.effects) { rest.popLast() }
  }

  @Test func `that names a page beyond its map is refused, with the place`() throws {
    for id: UInt32 in [1 << 16, 1 << 30, .max - 1] {
      let forged = try forged(depth: nil) { $0[0].id = id }
      let error = #expect(throws: DatabaseError.self) { try restore(forged) }
      #expect(error?.code == .corrupt)
      #expect(error?.message.contains("page \(id)") == true, "\(error?.message ?? "")")
      #expect(error?.message.contains("at byte ") == true, "\(error?.message ?? "")")
      #expect(try world.effects.files.kind(of: "/restored") == .absent)
    }
  }

  @Test func `that scatters its pages costs what its bytes justify`() throws {
    let forged = try forged(depth: 4) { images in
      for index in images.indices { images[index].id = UInt32.max - 1 - UInt32(index) << 16 }
    }
    // Nothing is wrong before somebody looks for a page that is not there.
    try restore(forged)
    #expect(try world.effects.files.kind(of: "/restored") == .directory)
  }

  @Test func `that has one page far away is a database all the same`() throws {
    let forged = try forged(depth: 4) { images in
      let first = images[0]
      images.append(Image(id: 1 << 24 - 3, entry: first.entry, bytes: first.bytes))
    }
    try restore(forged)
    let database = try world.database(at: "/restored")
    #expect(try world.contents(database) == contents)
    try database.close()
  }
}
