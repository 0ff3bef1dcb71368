import RawBytes

/// Seeds of the targets that begin from a database: no change, and changes of each kind.
enum FolderSeeds {
  private typealias Seed = (name: String, bytes: [UInt8])

  @Sendable static func folders() -> [(name: String, bytes: [UInt8])] {
    var seeds: [Seed] = []
    for (index, name) in ["plain", "lz4", "empty"].enumerated() {
      // Read only, then with writes.
      seeds.append((name, [UInt8(index)]))
      seeds.append(("\(name)-written", [UInt8(index) | 4]))
    }
    let template = FolderTemplate.plain
    // A boundary into every structure, the bytes of the field chosen by turns.
    for (index, region) in template.regions.enumerated() where index % 3 == 0 {
      seeds.append(
        (
          "field-\(index)",
          [4, 1 | UInt8(index % 4) << 3] + number(index, below: template.regions.count)
            + number(8 * (index % 5), below: region.bytes.count) + [UInt8(index % 24)]
        ))
    }
    for file in 0..<2 {
      seeds.append(("cut-\(file)", [0, 6, UInt8(file), 0, 0, 2]))
      seeds.append(("longer-\(file)", [4, 6, UInt8(file), 1, 3]))
      seeds.append(("gone-\(file)", [0, 6, UInt8(file), 2]))
      seeds.append(("twice-\(file)", [4, 6, UInt8(file), 3, 2]))
    }
    seeds.append(("nothing", [3]))
    seeds.append(("log-alone", [3, 1, 0, 0, 1]))
    return seeds
  }

  @Sendable static func segments() -> [(name: String, bytes: [UInt8])] {
    var seeds: [Seed] = []
    for (index, name) in ["plain", "lz4", "empty"].enumerated() {
      seeds.append((name, [0, 0, 200, UInt8(index)]))
      seeds.append(("\(name)-appended", [0, 0, 200, UInt8(index) | 4]))
    }
    let template = FolderTemplate.plain
    for (index, region) in template.regions.enumerated() where region.file > 0 {
      seeds.append(
        (
          "field-\(index)",
          [0, 0, 200, 4, 1 | UInt8(index % 4) << 3] + number(index, below: template.regions.count)
            + number(8 * (index % 5), below: region.bytes.count) + [UInt8(index % 24)]
        ))
    }
    return seeds
  }

  @Sendable static func trees() -> [(name: String, bytes: [UInt8])] {
    [
      ("unchanged", [0]), ("written", [1]),
      ("slot", [1, 0x0D, 0, 2, 200, 0]), ("header", [0, 0x0C, 1, 8, 14]),
      ("swapped", [1, 7, 2, 3]), ("posing", [1, 15, 2, 3]),
    ]
  }

  /// As `ByteTape.number(below:)` reads it.
  private static func number(_ value: Int, below limit: Int) -> [UInt8] {
    let width = limit <= 1 ? 0 : limit <= 256 ? 1 : limit <= 65536 ? 2 : 4
    return (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
