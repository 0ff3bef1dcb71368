import Martlet
import RawBytes

extension FuzzTarget {
  /// A dump for `restore`: what it says does not depend on how the bytes come in, and what was read,
  /// written down again in each format, reads back.
  package static let dump = FuzzTarget(
    "dump", summary: "a dump of Martlet, LMDB or Berkeley DB",
    maximumByteCount: 4096, seeds: DumpSeeds.all
  ) { input in
    var tape = ByteTape(input)
    let length = 1 + tape.number(below: 64)
    let bytes = tape.rest()
    let whole = sections(of: bytes, length: max(bytes.count, 1))
    let pieces = sections(of: bytes, length: length)
    require(whole == pieces, "a dump that depends on how its bytes come in")
    guard case .success(let sections) = whole else { return }
    for format in [DumpFormat.martlet, .lmdb(.bytes), .berkeleyDB(.printable)] {
      checkRoundTrip(sections, format)
    }
  }
}

/// A section without the lines that its entries stand in.
private struct Section: Equatable {
  var name: String?
  var options: [UInt8]
  var entries: [DumpEntry]
}

private enum Outcome: Equatable {
  case success([Section])
  case failure(String)
}

private func sections(of bytes: [UInt8], length: Int) -> Outcome {
  var position = 0
  var reader = DumpReader {
    defer { position = min(position + length, bytes.count) }
    return Array(bytes[position..<min(position + length, bytes.count)])
  }
  var sections: [Section] = []
  do {
    while let section = try reader.nextSection() {
      var found = Section(name: section.name, options: section.options, entries: [])
      while var entry = try reader.nextEntry() {
        entry.line = 0
        found.entries.append(entry)
        require(found.entries.count <= bytes.count, "more entries than bytes")
      }
      sections.append(found)
    }
    return .success(sections)
  } catch let error as DatabaseError {
    return .failure(error.description)
  } catch {
    violated("an untyped error of an input: \(error)")
  }
}

private func checkRoundTrip(_ sections: [Section], _ format: DumpFormat) {
  let isOwn = format == .martlet
  var text: [UInt8] = []
  var expected = sections
  withoutActuallyEscaping({ text += $0 }) { sink in
    var writer = DumpWriter(format, mapByteCount: 1 << 20, into: sink)
    writer.begin(timestamp: 7)
    do {
      for index in sections.indices {
        // What a format cannot hold is refused before it is written.
        let name = isOwn ? sections[index].name ?? "none" : "name \(index)"
        expected[index].name = name
        if !isOwn { expected[index].options = [] }
        writer.beginSection(name, options: expected[index].options)
        for (number, entry) in sections[index].entries.enumerated() {
          try writer.append(entry.key, entry.value, expiry: entry.expiry)
          if !isOwn { expected[index].entries[number].expiry = 0 }
        }
        writer.endSection(entryCount: sections[index].entries.count)
      }
      try writer.end()
    } catch {
      violated("a sink that does not throw threw: \(error)")
    }
  }
  // A dump of the tools that has no section is no bytes at all.
  guard isOwn || !sections.isEmpty else { return }
  require(
    Fuzzing.sections(of: text, length: 11) == .success(expected),
    "a dump that does not read back in \(format)")
}

/// Seeds of the `dump` target.
enum DumpSeeds {
  @Sendable static func all() -> [(name: String, bytes: [UInt8])] {
    func seed(_ name: String, _ text: String) -> (name: String, bytes: [UInt8]) {
      (name, [5] + Array(text.utf8))
    }
    return [
      seed(
        "martlet",
        """
        martlet-dump 1
        # comment
        keyspace fruit
        options \\=AQEF
         apple\tred
         pear\tgreen\\tor\\nyellow\\\\\\x00\texpires=1900000000000000000
         plum\t\\=AAEC
        +\\=AwQ=
        end 3
        keyspace numbers
        end
        end-of-dump

        """),
      seed(
        "lmdb",
        """
        VERSION=3
        format=bytevalue
        database=fruit
        type=btree
        mapsize=1048576
        maxreaders=126
        db_pagesize=4096
        HEADER=END
         6b
         765C
        DATA=END

        """),
      seed(
        "berkeley-db",
        """
        VERSION=3
        format=print
        database=a
        type=hash
        h_nelem=2
        HEADER=END
         k\\5c\\\\
         v
         l

        DATA=END
        VERSION=3
        format=bytevalue
        type=btree
        db_pagesize=4096
        HEADER=END
        DATA=END

        """),
      seed("carriage-returns", "martlet-dump 1\r\nkeyspace a\r\n k\tv\r\nend 1\r\nend-of-dump\r\n"),
    ]
  }
}
