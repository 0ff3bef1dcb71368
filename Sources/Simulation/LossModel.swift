/// What a power cut does to writes that no sync has made durable.
package enum LossModel: Sendable, Hashable, CaseIterable {
  /// All of them had reached the medium.
  case keepAll
  /// None had.
  case loseAll
  /// Each sector of 512 bytes by itself: some had, some had not, of some an earlier content had.
  /// So writes are torn and out of order. Each creation, renaming and removal had or had not.
  case random
}
