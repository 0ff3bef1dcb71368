/// What an acknowledged commit survives.
public enum Durability: String, Sendable, Hashable, CaseIterable {
  /// Acknowledged when the commit is on the medium: survives a power cut.
  case full
  /// Acknowledged when the commit is ordered before everything later: after a power cut the
  /// newest commits may be missing, never one in the middle. On Linux the same as `full`.
  case ordered
  /// Acknowledged at once; written and synced in the background every few milliseconds. A crash
  /// of the process or the machine loses at most those last milliseconds, always a suffix.
  case relaxed
}
