import Paging
import RawBytes
import RedoLog
import Simulation

/// An input of the `database` target: a folder, laid out from nothing or made by changes to a
/// database that the engine wrote.
///
/// ```text
///   byte 0   template (3: none) | what to seal again | what to do with the database
///   then     changes:   region or file, offset in it, what to put there
///   or       files:     name, length, bytes
/// ```
struct FolderInput {
  /// Whether commits and a checkpoint follow a successful open.
  let writes: Bool
  let disk: DiskImage

  init(_ tape: inout ByteTape) {
    let choices = tape.byte()
    writes = choices & 4 != 0
    let seals = Seals(data: choices & 8 == 0, log: choices & 16 == 0, links: choices & 32 == 0)
    let template = Int(choices & 3)
    disk =
      template < FolderTemplate.all.count
      ? Self.changed(FolderTemplate.all[template], seals, &tape) : Self.laidOut(seals, &tape)
  }

  struct Seals {
    let data: Bool
    let log: Bool
    let links: Bool

    func apply(to bytes: [UInt8], isData: Bool) -> [UInt8] {
      guard isData ? data : log else { return bytes }
      let memory = AlignedMemory(byteCount: bytes.count)
      defer { withExtendedLifetime(memory) {} }
      bytes.withByteView { memory.bytes.copy($0) }
      if isData {
        Checksums.repairDataFile(memory.bytes)
      } else {
        Checksums.repairSegment(memory.bytes, links: links)
      }
      return memory.bytes.view.array
    }
  }

  // MARK: Changes to a database

  private static func changed(
    _ template: FolderTemplate, _ seals: Seals, _ tape: inout ByteTape
  ) -> DiskImage {
    var contents = template.contents
    var isGone = [Bool](repeating: false, count: contents.count)
    var isChanged = isGone
    var extra: [(String, [UInt8])] = []
    var budget = 24
    while !tape.isAtEnd, budget > 0 {
      budget -= 1
      let kind = tape.byte()
      switch kind & 7 {
      case 6:
        // A whole file: cut, extended, taken away, or a copy of it under another name.
        let file = tape.number(below: contents.count)
        isChanged[file] = true
        switch tape.byte() & 3 {
        case 0: contents[file] = Array(contents[file].prefix(Int(tape.integer(UInt16.self)) * 16))
        case 1: contents[file] += [UInt8](repeating: 0, count: 4096 * Int(tape.byte() & 15))
        case 2: isGone[file] = true
        default: extra.append((name(tape.byte()), contents[file]))
        }
      case 7:
        // Anywhere.
        let file = tape.number(below: contents.count)
        let offset = tape.number(below: contents[file].count)
        isChanged[file] = true
        put(change(kind, &tape), at: offset, in: &contents[file])
      default:
        // In a structure.
        let region = template.regions[tape.number(below: template.regions.count)]
        let offset = region.bytes.lowerBound + tape.number(below: region.bytes.count)
        isChanged[region.file] = true
        if kind & 7 == 5 {
          // One structure over another.
          let other = template.regions[tape.number(below: template.regions.count)]
          let count = min(region.bytes.count, other.bytes.count)
          let source = template.contents[other.file][
            other.bytes.lowerBound..<other.bytes.lowerBound + count]
          put(Array(source), at: region.bytes.lowerBound, in: &contents[region.file])
        } else {
          put(change(kind, &tape), at: offset, in: &contents[region.file])
        }
      }
    }
    var disk = template.disk
    for (index, path) in template.paths.enumerated() {
      if isGone[index] {
        disk.remove(path)
        continue
      }
      guard isChanged[index] else { continue }
      let bytes = seals.apply(to: contents[index], isData: index == 0)
      let old = template.contents[index]
      if bytes.count != old.count { disk.truncate(path, to: UInt64(bytes.count)) }
      overwrite(path, old, bytes, &disk)
    }
    for (name, bytes) in extra { disk.put(FolderTemplate.directory + "/" + name, bytes) }
    return disk
  }

  /// The bytes that a change puts in place.
  private static func change(_ kind: UInt8, _ tape: inout ByteTape) -> [UInt8] {
    let width = [1, 2, 4, 8][Int(kind >> 3 & 3)]
    if kind & 1 == 0 { return tape.bytes(width) }
    let number = tape.boundary()
    return (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  private static func put(_ bytes: [UInt8], at offset: Int, in file: inout [UInt8]) {
    let end = min(offset + bytes.count, file.count)
    guard offset < end else { return }
    file.replaceSubrange(offset..<end, with: bytes.prefix(end - offset))
  }

  /// Writes the sectors that differ: the rest of the image is shared with the template.
  private static func overwrite(
    _ path: String, _ old: [UInt8], _ new: [UInt8], _ disk: inout DiskImage
  ) {
    let sector = 512
    new.withByteView { new in
      old.withByteView { old in
        for start in stride(from: 0, to: new.count, by: sector) {
          let end = min(start + sector, new.count)
          let isSame = end <= old.count && old[start..<end] == new[start..<end]
          if !isSame { disk.overwrite(path, at: UInt64(start), with: new[start..<end].array) }
        }
      }
    }
  }

  // MARK: A folder from nothing

  private static func name(_ choice: UInt8) -> String {
    let names = [
      "data.martlet", "log-0000000000000000", "log-0000000000000001", "log-0000000000000002",
      "data.martlet.new", "log-0000000000000001.new", "log-ffffffffffffffff", "stranger", "lock",
    ]
    return names[Int(choice) % names.count]
  }

  private static func laidOut(_ seals: Seals, _ tape: inout ByteTape) -> DiskImage {
    var disk = DiskImage()
    disk.makeDirectory(FolderTemplate.directory)
    var budget = 6
    while !tape.isAtEnd, budget > 0 {
      budget -= 1
      let name = name(tape.byte())
      var bytes = tape.bytes(Int(tape.integer(UInt16.self) & 0x3FFF))
      // Whole blocks, and some empty ones behind.
      let wanted = (bytes.count + 4095) / 4096 * 4096 + 4096 * Int(tape.byte() & 15)
      bytes += [UInt8](repeating: 0, count: wanted - bytes.count)
      disk.put(
        FolderTemplate.directory + "/" + name, seals.apply(to: bytes, isData: name.hasPrefix("d")))
    }
    return disk
  }
}
