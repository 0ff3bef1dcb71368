import Paging
import RawBytes

/// Seeds of the targets that decode page images: what the template databases hold, and blocks at
/// the corners of the LZ4 format.
enum ImageSeeds {
  @Sendable static func pages() -> [(name: String, bytes: [UInt8])] {
    var seeds: [(name: String, bytes: [UInt8])] = []
    for (name, template) in [("plain", FolderTemplate.plain), ("lz4", FolderTemplate.compressed)] {
      for (index, image) in images(of: template).prefix(5).enumerated() {
        seeds.append(("\(name)-\(index)", [0, UInt8(image.flags.rawValue)] + image.bytes))
      }
    }
    return seeds
  }

  @Sendable static func blocks() -> [(name: String, bytes: [UInt8])] {
    var seeds: [(name: String, bytes: [UInt8])] = []
    for (index, image) in images(of: .compressed).enumerated()
    where image.flags.contains(.compressed) && seeds.count < 4 {
      let count = (0..<4).reduce(0) { $0 | Int(image.bytes[$1]) << (8 * $1) }
      seeds.append(("block-\(index)", Array(image.bytes[4..<4 + count])))
    }
    // One literal, then a match that reaches over it up to the end: the longest chain of lengths.
    seeds.append(
      ("run", [0x1F, 0, 1, 0] + [UInt8](repeating: 255, count: 15) + [245, 0x50, 0, 0, 0, 0, 0]))
    seeds.append(("literals", [0xF0, 200] + [UInt8](repeating: 9, count: 215)))
    seeds.append(("far-match", [0x10, 7, 255, 255, 0]))
    return seeds
  }

  private static func images(
    of template: FolderTemplate
  ) -> [(flags: ImageFlags, bytes: [UInt8])] {
    template.contents[0].withByteView { file in
      template.regions.compactMap { region -> (flags: ImageFlags, bytes: [UInt8])? in
        guard region.file == 0, region.bytes.count == PageMapEntry.byteCount else { return nil }
        let entry = PageMapEntry(file, at: region.bytes.lowerBound)
        let start = Int(entry.place.byteOffset)
        guard start + entry.place.byteCount <= file.count else { return nil }
        return (entry.flags, file[start..<start + entry.place.byteCount].array)
      }
    }
  }
}
