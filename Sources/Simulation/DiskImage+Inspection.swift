internal import Environment
internal import RawBytes

/// For tests: looking at a disk and damaging it. What is changed here is durable at once.
extension DiskImage {
  /// The paths of all files.
  package var paths: [String] {
    var paths: [String] = []
    names.forEachFile { path, _ in paths.append(path) }
    return paths.sorted()
  }

  /// All bytes of a file; nil when there is none.
  package func contents(of path: String) -> [UInt8]? {
    guard let number = fileNumber(path), let file = files[number] else { return nil }
    let bytes = AlignedMemory(byteCount: Int(file.size))
    let count = file.read(into: bytes.bytes, at: 0, isDirect: false)
    return bytes.bytes[0..<count].view.array
  }

  /// Whether a power cut could take something of the file away, be it bytes, size or name.
  package func hasUnsynced(_ path: String) -> Bool {
    guard let number = fileNumber(path), let file = files[number] else { return false }
    return file.hasUnsynced || durableNames.resolve(FilePath.names(path)) != .file(number)
  }

  /// Overwrites bytes of a file that is there.
  package mutating func overwrite(_ path: String, at offset: UInt64, with bytes: [UInt8]) {
    let number = existing(path)
    var chance = SeededGenerator(seed: 0)
    bytes.withByteView { files[number]?.write($0, at: offset, &chance) }
    files[number]?.settleAll()
  }

  /// Flips one bit of a file that is there.
  package mutating func flipBit(of path: String, at offset: UInt64, bit: Int) {
    let number = existing(path)
    guard let file = files[number], offset < file.size else {
      preconditionFailure("\(path) is shorter than \(offset)")
    }
    let sector = file.currentSector(Int(offset) / FileContent.sectorByteCount)
    let old = sector[Int(offset) % FileContent.sectorByteCount]
    overwrite(path, at: offset, with: [old ^ (1 << UInt8(bit))])
  }

  /// Cuts or extends a file that is there.
  package mutating func truncate(_ path: String, to size: UInt64) {
    let number = existing(path)
    files[number]?.truncate(to: size)
    files[number]?.settleAll()
  }

  /// Makes a file, or gives it new contents; its directory must be there.
  package mutating func put(_ path: String, _ bytes: [UInt8]) {
    if fileNumber(path) != nil {
      truncate(path, to: 0)
    } else {
      changeForGood(path, to: .file(makeFile()))
    }
    overwrite(path, at: 0, with: bytes)
  }

  package mutating func makeDirectory(_ path: String) {
    changeForGood(path, to: .directory(names.freeDirectoryNumber))
  }

  /// Takes the name of a file or directory away.
  package mutating func remove(_ path: String) { changeForGood(path, to: nil) }

  func fileNumber(_ path: String) -> Int? {
    if case .file(let number)? = names.resolve(FilePath.names(path)) { number } else { nil }
  }

  private func existing(_ path: String) -> Int {
    guard let number = fileNumber(path) else { preconditionFailure("no file \(path)") }
    return number
  }

  private mutating func changeForGood(_ path: String, to target: NameTarget?) {
    let path = FilePath.names(path)
    guard let name = path.last,
      case .directory(let parent)? = names.resolve(path.dropLast())
    else { preconditionFailure("no directory for \(path)") }
    change(NameChange(steps: [NameStep(directory: parent, name: name, target: target)]))
    settleNames(of: parent)
  }
}
