package import Simulation

/// One way in which the files of a database are not what was written.
package struct Damage: Sendable, CustomStringConvertible {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case zeroed, flipped, swapped, older, truncated, duplicated, removed, extended, garbage
  }

  /// What is done to the files, in order.
  package enum Edit: Sendable {
    case overwrite(String, at: Int, [UInt8])
    case truncate(String, to: Int)
    case put(String, [UInt8])
    case remove(String)
  }

  package let kind: Kind
  /// What it was done to, for the table of outcomes.
  package let target: DatabaseAnatomy.Part.Kind
  package let place: String
  package let edits: [Edit]

  package init(
    _ kind: Kind, _ target: DatabaseAnatomy.Part.Kind, _ place: String, _ edits: [Edit]
  ) {
    self.kind = kind
    self.target = target
    self.place = place
    self.edits = edits
  }

  package var description: String { "\(place) \(kind.rawValue)" }

  /// The damaged disk.
  package func applied(to image: DiskImage) -> DiskImage {
    var image = image
    for edit in edits {
      switch edit {
      case .overwrite(let path, let offset, let bytes):
        image.overwrite(path, at: UInt64(offset), with: bytes)
      case .truncate(let path, let count): image.truncate(path, to: UInt64(count))
      case .put(let path, let bytes): image.put(path, bytes)
      case .remove(let path): image.remove(path)
      }
    }
    return image
  }
}

/// Makes the damages of a database: every part in every way.
package struct DamageMaker {
  package let anatomy: DatabaseAnatomy
  private let contents: [String: [UInt8]]
  /// Earlier images of the same database.
  private let older: [[String: [UInt8]]]

  package init(_ anatomy: DatabaseAnatomy, image: DiskImage, older: [DiskImage] = []) {
    self.anatomy = anatomy
    func files(_ image: DiskImage) -> [String: [UInt8]] {
      var files: [String: [UInt8]] = [:]
      for path in image.paths where path.hasPrefix(anatomy.directory + "/") {
        files[path] = image.contents(of: path)
      }
      return files
    }
    contents = files(image)
    self.older = older.map(files)
  }

  package func bytes(_ part: DatabaseAnatomy.Part) -> [UInt8] {
    contents[part.path]?.bytes(part.range) ?? []
  }

  private func name(_ part: DatabaseAnatomy.Part) -> String {
    let file = part.path.split(separator: "/").last ?? ""
    return "\(file) \(part.kind.rawValue) \(part.number) at \(part.range.lowerBound)"
  }

  /// A part whose bytes become others; nil when they are those already.
  private func overwritten(
    _ part: DatabaseAnatomy.Part, _ kind: Damage.Kind, _ new: [UInt8], _ detail: String = ""
  ) -> Damage? {
    new == bytes(part)
      ? nil
      : Damage(
        kind, part.kind, name(part) + detail,
        [.overwrite(part.path, at: part.range.lowerBound, new)])
  }

  /// One part zeroed, and filled with garbage.
  package func zeroed(_ part: DatabaseAnatomy.Part) -> [Damage] {
    var generator = ScriptGenerator(seed: UInt64(part.range.lowerBound))
    let garbage = part.range.map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    return [
      overwritten(part, .zeroed, [UInt8](repeating: 0, count: part.range.count)),
      overwritten(part, .garbage, garbage),
    ].compactMap { $0 }
  }

  /// One bit of one part flipped.
  package func flipped(_ part: DatabaseAnatomy.Part, byte: Int, bit: Int) -> Damage? {
    var new = bytes(part)
    guard byte < new.count else { return nil }
    new[byte] ^= 1 << UInt8(bit)
    return overwritten(part, .flipped, new, ", byte \(byte) bit \(bit)")
  }

  /// Two parts in each other's place, as far as the shorter of them goes.
  package func swapped(_ one: DatabaseAnatomy.Part, _ other: DatabaseAnatomy.Part) -> Damage? {
    let count = min(one.range.count, other.range.count)
    let (first, second) = (Array(bytes(one).prefix(count)), Array(bytes(other).prefix(count)))
    guard first != second else { return nil }
    return Damage(
      .swapped, one.kind, "\(name(one)) with \(name(other))",
      [
        .overwrite(one.path, at: one.range.lowerBound, second),
        .overwrite(other.path, at: other.range.lowerBound, first),
      ])
  }

  /// One part also in the place of another.
  package func duplicated(
    _ one: DatabaseAnatomy.Part, over other: DatabaseAnatomy.Part
  ) -> Damage? {
    overwritten(
      other, .duplicated,
      Array(bytes(one).prefix(other.range.count))
        + bytes(other)
        .dropFirst(one.range.count), " by \(name(one))")
  }

  /// What stood in the place of a part in each of the earlier images.
  package func older(_ part: DatabaseAnatomy.Part) -> [Damage] {
    older.enumerated().compactMap { index, files in
      guard let old = files[part.path]?.bytes(part.range), old.count == part.range.count else {
        return nil
      }
      return overwritten(part, .older, old, " from image \(index)")
    }
  }

  /// The file ends where a part begins, or in its middle.
  package func truncated(_ part: DatabaseAnatomy.Part) -> [Damage] {
    Set([part.range.lowerBound, part.range.lowerBound + part.range.count / 2]).sorted().map {
      Damage(.truncated, part.kind, name(part) + " cut at \($0)", [.truncate(part.path, to: $0)])
    }
  }

  /// Whole files: gone, empty, longer, in each other's place, and as they were.
  package var ofFiles: [Damage] {
    var damages: [Damage] = []
    let paths = contents.keys.filter { !$0.hasSuffix("/lock") }.sorted()
    for path in paths {
      let kind: DatabaseAnatomy.Part.Kind =
        path == anatomy.dataPath ? .superblock : .segmentHeader
      let file = String(path.split(separator: "/").last ?? "")
      let bytes = contents[path] ?? []
      damages.append(Damage(.removed, kind, file, [.remove(path)]))
      var generator = ScriptGenerator(seed: 7)
      for count in [1, 4096, 5000, 65536] {
        let more = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        damages.append(
          Damage(
            .extended, kind, "\(file) by \(count) bytes",
            [.overwrite(path, at: bytes.count, more)]))
      }
      for (index, files) in older.enumerated() {
        guard let old = files[path], old != bytes else { continue }
        damages.append(Damage(.older, kind, "\(file), whole, image \(index)", [.put(path, old)]))
      }
      for other in paths where other > path {
        damages.append(
          Damage(
            .swapped, kind, "\(file) with \(other.split(separator: "/").last ?? "")",
            [.put(path, contents[other] ?? []), .put(other, bytes)]))
      }
    }
    return damages
  }
}
