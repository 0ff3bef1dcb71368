package import Environment

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The calls about names.
extension SimulatedDisk {
  package func open(_ path: String, _ mode: FileMode) throws(FileError) -> any File {
    try failIfAsked(begin(.open, path), .open, path)
    let place = try place(of: path, .open)
    let number: Int
    switch image.names.target(NameStep(directory: place.directory, name: place.name, target: nil)) {
    case .directory: throw fail(.open, path, EISDIR)
    case .file(let found):
      if mode.creation == .always { throw fail(.open, path, EEXIST) }
      number = found
    case nil:
      if mode.creation == .never { throw fail(.open, path, ENOENT) }
      number = try makeFile(place, .open, path)
    }
    image.files[number]?.handleCount += 1
    return SimulatedFile(disk: self, number: number, path: path, mode: mode)
  }

  package func createDirectory(_ path: String) throws(FileError) {
    try failIfAsked(begin(.createDirectory, path), .createDirectory, path)
    switch image.names.resolve(FilePath.names(path)) {
    case .directory: return
    case .file: throw fail(.createDirectory, path, EEXIST)
    case nil: break
    }
    let place = try place(of: path, .createDirectory)
    image.change(
      NameChange(steps: [place.leading(to: .directory(image.names.freeDirectoryNumber))]))
    try passChange(.createDirectory, path)
  }

  package func list(_ directory: String) throws(FileError) -> [String] {
    try failIfAsked(begin(.list, directory), .list, directory)
    return image.names.names(in: try directoryNumber(directory, .list))
  }

  package func kind(of path: String) throws(FileError) -> FileKind {
    try failIfAsked(begin(.kind, path), .kind, path)
    switch image.names.resolve(FilePath.names(path)) {
    case .directory: return .directory
    case .file: return .file
    case nil: return .absent
    }
  }

  package func rename(_ path: String, to newPath: String) throws(FileError) {
    try failIfAsked(begin(.rename, path), .rename, path)
    let (old, new) = (try place(of: path, .rename), try place(of: newPath, .rename))
    guard case .file(let number)? = image.names.target(old.leading(to: nil)) else {
      throw fail(.rename, path, ENOENT)
    }
    if case .directory? = image.names.target(new.leading(to: nil)) {
      throw fail(.rename, newPath, EISDIR)
    }
    image.change(
      NameChange(steps: [old.leading(to: nil), new.leading(to: .file(number))]))
    try passChange(.rename, path)
  }

  package func remove(_ path: String) throws(FileError) {
    try failIfAsked(begin(.remove, path), .remove, path)
    let place = try place(of: path, .remove)
    switch image.names.target(place.leading(to: nil)) {
    case nil: throw fail(.remove, path, ENOENT)
    case .directory(let number) where !image.names.names(in: number).isEmpty:
      throw fail(.remove, path, ENOTEMPTY)
    case .directory, .file: break
    }
    image.change(NameChange(steps: [place.leading(to: nil)]))
    try passChange(.remove, path)
  }

  package func syncDirectory(_ path: String) throws(FileError) {
    let effect = try begin(.syncDirectory, path, isDurable: true)
    let number = try directoryNumber(path, .syncDirectory)
    if case .fails(let error)? = effect {
      image.loseNames(of: number)
      throw fail(.syncDirectory, path, error)
    }
    try failIfAsked(effect, .syncDirectory, path)
    try passChange(.syncDirectory, path)
    if effect != .lies { image.settleNames(of: number) }
    endDurable()
  }

  package func lock(_ path: String) throws(FileError) -> (any FileLock)? {
    try failIfAsked(begin(.lock, path), .lock, path)
    let place = try place(of: path, .lock)
    let number: Int
    switch image.names.target(place.leading(to: nil)) {
    case .directory: throw fail(.lock, path, EISDIR)
    case .file(let found): number = found
    case nil: number = try makeFile(place, .lock, path)
    }
    guard locked.insert(number).inserted else { return nil }
    return SimulatedFileLock(disk: self, number: number)
  }

  // MARK: Finding places

  /// Where a name stands, or would.
  private struct Place {
    let directory: Int
    let name: String

    func leading(to target: NameTarget?) -> NameStep {
      NameStep(directory: directory, name: name, target: target)
    }
  }

  private func place(of path: String, _ call: FileError.Call) throws(FileError) -> Place {
    let names = FilePath.names(path)
    guard let name = names.last else { throw fail(call, path, EISDIR) }
    switch image.names.resolve(names.dropLast()) {
    case .directory(let number): return Place(directory: number, name: name)
    case .file: throw fail(call, path, ENOTDIR)
    case nil: throw fail(call, path, ENOENT)
    }
  }

  private func directoryNumber(
    _ path: String, _ call: FileError.Call
  ) throws(FileError) -> Int {
    switch image.names.resolve(FilePath.names(path)) {
    case .directory(let number): return number
    case .file: throw fail(call, path, ENOTDIR)
    case nil: throw fail(call, path, ENOENT)
    }
  }

  private func makeFile(
    _ place: Place, _ call: FileError.Call, _ path: String
  ) throws(FileError) -> Int {
    let number = image.makeFile()
    image.change(NameChange(steps: [place.leading(to: .file(number))]))
    try passChange(call, path)
    return number
  }

  func failIfAsked(
    _ effect: Fault.Effect?, _ call: FileError.Call, _ path: String
  ) throws(FileError) {
    switch effect {
    case .fails(let number), .failsHalfway(let number): throw fail(call, path, number)
    default: break
    }
  }
}

/// A lock on a simulated file. It belongs to the disk of one run: a crash leaves none behind.
private final class SimulatedFileLock: FileLock, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  private let disk: SimulatedDisk
  private let number: Int
  private var isHeld = true

  init(disk: SimulatedDisk, number: Int) {
    self.disk = disk
    self.number = number
  }

  deinit { unlock() }

  func unlock() {
    guard isHeld else { return }
    isHeld = false
    disk.locked.remove(number)
  }
}
