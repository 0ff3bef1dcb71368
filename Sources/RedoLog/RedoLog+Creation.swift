package import Environment
package import Primitives
internal import RawBytes

/// What stands in a directory where a log could be.
package enum LogPresence: Sendable, Equatable {
  /// No segment.
  case absent
  /// The first segment, and no record in it: somebody began to create a database, and the data
  /// file, which is made last, may be missing.
  case halfCreated
  /// A log.
  case present
}

extension RedoLog {
  /// Makes the log of a new database in a directory: its first segment, with an opening batch. A
  /// half-created log is replaced. The data file is made after it, so that a data file always has
  /// its log (startup cases).
  ///
  /// - Throws: `.alreadyExists` when there is a log; nothing is changed then.
  package static func create(
    directory: String, id: DatabaseID, effects: Effects,
    configuration: LogConfiguration = LogConfiguration()
  ) throws(LogError) -> RedoLog {
    let files = SegmentFiles(effects: effects, directory: directory, database: id)
    switch try presence(in: directory, effects: effects) {
    case .present: throw .alreadyExists(path: directory)
    case .halfCreated:
      try fileCall(directory) { () throws(FileError) in
        try effects.files.remove(files.path(0))
        try effects.files.syncDirectory(directory)
      }
    case .absent: break
    }
    let segment = try fileCall(directory) { () throws(FileError) -> LogSegment in
      _ = try files.list(removingTemporaries: true)
      return try files.make(0, byteCount: configuration.firstSegmentByteCount, between: {})
    }
    let log = RedoLog(
      beginning: LogBeginning(
        live: [LiveSegment(segment: segment, start: 0)],
        offset: SegmentHeader.blockByteCount, nextSegmentNumber: 1),
      files: files, configuration: configuration)
    try log.begin()
    return log
  }

  /// Looks whether a directory holds a log. Changes nothing.
  package static func presence(
    in directory: String, effects: Effects
  ) throws(LogError) -> LogPresence {
    let names = try fileCall(directory) { () throws(FileError) -> [String] in
      try effects.files.list(directory)
    }
    let numbers = names.compactMap(SegmentName.number)
    guard let number = numbers.first else { return .absent }
    guard numbers.count == 1, number == 0 else { return .present }
    return try isEmptySegment(directory, effects) ? .halfCreated : .present
  }

  /// Whether the first segment holds no record and knows of no checkpoint.
  private static func isEmptySegment(
    _ directory: String, _ effects: Effects
  ) throws(LogError) -> Bool {
    let path = FilePath.join(directory, SegmentName.name(0))
    let block = AlignedMemory(byteCount: SegmentHeader.blockByteCount)
    let file = try fileCall(path) { () throws(FileError) -> any File in
      let file = try effects.files.open(path, FileMode(isWritable: false, isDirect: true))
      _ = try file.read(into: block.bytes, at: 0)
      return file
    }
    let header: SegmentHeader
    do {
      header = try SegmentHeader(decoding: block.bytes.view, path: path)
    } catch {
      return false
    }
    var reader = SegmentReader(LogSegment(file: file, path: path, header: header))
    let record = try reader.firstBatch(from: SegmentHeader.blockByteCount) {
      $0.recordCount > 0 || $0.generation > Generation(0)
    }
    return record == nil
  }
}
