package import Environment
package import Primitives

/// Why the redo log refused.
package enum LogError: Error, Equatable, Sendable {
  /// The bytes on disk are not what was written. Nothing was changed.
  case corrupt(CorruptionError)
  /// A file call failed. In a flush it is final, and the fate of what was in it is unknown until
  /// the log is opened again (rules F1, F2).
  case file(FileError)
  /// No space for the log. Nothing was changed; it works again when space returns (rule F10).
  case diskFull(path: String)
  /// An earlier failure was final: nothing more becomes durable before the log is opened again.
  case poisoned
  /// A segment of a newer format.
  case newerFormat(found: UInt32, supported: UInt32)
  /// A segment of another database (rule F9).
  case wrongDatabase(path: String, found: DatabaseID)
  /// A record of a kind that this version does not know: it must not be skipped.
  case unknownRecordKind(UInt8, at: LogPosition)
  /// There is a log where one was to be made, and it is not the leftover of a half-done creation.
  case alreadyExists(path: String)
}
