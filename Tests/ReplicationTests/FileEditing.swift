import Environment
import RawBytes

extension Effects {
  /// All the bytes of a file.
  func contents(_ path: String) throws -> [UInt8] {
    let file = try files.open(path, FileMode(isWritable: false))
    let memory = AlignedMemory(byteCount: Int(try file.size()))
    var count = 0
    while count < memory.count {
      let step = try file.read(into: memory.bytes[count..<memory.count], at: UInt64(count))
      if step == 0 { break }
      count += step
    }
    return memory.bytes[0..<count].view.array
  }

  /// Changes a byte of a file, as a medium may do by itself.
  func damage(_ path: String, at offset: Int) throws {
    let byte = try contents(path)[offset] ^ 0x55
    let file = try files.open(path, FileMode())
    try [byte].withByteView { try file.write($0, at: UInt64(offset)) }
    try file.sync(.full)
  }

  /// Where the batches of the log of a node begin, segment by segment: the magic of a batch at the
  /// beginning of a block.
  func batches(in directory: String) throws -> [(path: String, offset: Int)] {
    // Not those that are being made, which have another name in a moment.
    let names = try files.list(directory).filter { $0.hasPrefix("log-") && !$0.hasSuffix(".new") }
    return try names.flatMap { name in
      let path = FilePath.join(directory, name)
      let bytes = try contents(path)
      return stride(from: 4096, to: bytes.count, by: 4096)
        .filter { Array(bytes[$0..<$0 + 4]) == Array("MBAT".utf8) }
        .map { (path, $0) }
    }
  }
}
