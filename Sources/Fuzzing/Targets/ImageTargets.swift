import Paging
import Primitives
import RawBytes

extension FuzzTarget {
  /// A stored image with its map entry, decoded as the pager does; what decodes is encoded and
  /// decoded again.
  package static let page = FuzzTarget(
    "page", summary: "a page image and its map entry: decoding, node check, encoding again",
    maximumByteCount: 8256, seeds: ImageSeeds.pages
  ) { input in
    var tape = ByteTape(input)
    let choices = tape.byte()
    let flags = ImageFlags(rawValue: UInt16(tape.byte()))
    let pageSize = [4096, 8192][Int(choices & 1)]
    var stored = tape.rest()
    // A whole number of units, as the map can say it.
    let units = min(max(Place.units(for: stored.count), 1), pageSize / Place.unitByteCount)
    stored = Array((stored + [UInt8](repeating: 0, count: 512)).prefix(units * 512))
    while stored.count < units * Place.unitByteCount { stored.append(0) }
    tryImage(stored, flags: flags, pageSize: pageSize, isLying: choices & 2 != 0)
  }

  /// An LZ4 block behind its length, as pages are stored: decompression inside its bounds.
  package static let lz4 = FuzzTarget(
    "lz4", summary: "an LZ4 block through the decoder of page images", maximumByteCount: 4092,
    seeds: ImageSeeds.blocks
  ) { input in
    let block = input.prefix(min(input.count, 4092)).array
    var stored = [UInt8](repeating: 0, count: Place.units(for: block.count + 4) * 512)
    for index in 0..<4 { stored[index] = UInt8(truncatingIfNeeded: block.count >> (8 * index)) }
    stored.replaceSubrange(4..<4 + block.count, with: block)
    tryImage(stored, flags: .compressed, pageSize: 4096, isLying: false)
  }
}

/// Decodes an image into memory with guards around it.
private func tryImage(_ stored: [UInt8], flags: ImageFlags, pageSize: Int, isLying: Bool) {
  let guardByteCount = 64
  let memory = AlignedMemory(byteCount: pageSize + 2 * guardByteCount)
  defer { withExtendedLifetime(memory) {} }
  let page = memory.bytes[guardByteCount..<guardByteCount + pageSize]
  let checksum = stored.withByteView { CRC32C.checksum($0) } ^ (isLying ? 1 : 0)
  let entry = PageMapEntry(
    place: Place(start: 32, unitCount: stored.count / Place.unitByteCount), flags: flags,
    checksum: checksum, birth: Generation(1))
  // The id that the page itself claims, once another one.
  var claimed: UInt32 = 1
  for attempt in 0..<2 {
    do {
      try stored.withByteView { (bytes) throws(CorruptionError) in
        try PageImage.decode(bytes, entry: entry, id: PageID(claimed), into: page)
      }
      require(!isLying, "an image was believed against its checksum (PI2)")
      checkPage(page, id: PageID(claimed))
      break
    } catch {
      require(!error.location.isEmpty, "corruption without a place")
      claimed = page.load(UInt32.self, at: PageImage.pageIDOffset)
      if attempt == 1 { require(isLying || !error.found.isEmpty, "corruption without a finding") }
    }
  }
  for index in 0..<guardByteCount {
    require(
      memory.bytes[index] == 0 && memory.bytes[guardByteCount + pageSize + index] == 0,
      "a byte outside the page was written")
  }
}

/// What was decoded is encoded, both ways, and decodes to the same.
private func checkPage(_ page: MutableByteView, id: PageID) {
  NodeReadings.check(page.view, id: id)
  for compression in [Compression.none, .lz4] {
    let image = AlignedMemory(byteCount: page.count)
    let again = AlignedMemory(byteCount: page.count)
    let encoded = PageImage.encode(page.view, into: image.bytes, compression: compression)
    let entry = PageMapEntry(
      place: Place(start: 32, unitCount: encoded.byteCount / Place.unitByteCount),
      flags: encoded.flags, checksum: encoded.checksum, birth: Generation(1))
    do {
      try PageImage.decode(
        image.bytes.view.prefix(encoded.byteCount), entry: entry, id: id, into: again.bytes)
    } catch {
      violated("an image that was just encoded does not decode: \(error)")
    }
    require(again.bytes.view == page.view, "a page that encodes otherwise")
    withExtendedLifetime((image, again)) {}
  }
}
