package import Primitives

/// Something that a recovery found damaged and went on behind, where its owner has other means to
/// get back what is lost: a replica has its peers.
package struct LogDamage: Sendable, Equatable {
  package let finding: CorruptionError
  /// The positions of what is lost, where they are known.
  package let lost: Range<LogPosition>?
  /// The path of a segment whose header cannot be read. Nothing refers to it any more once the owner
  /// has drawn its conclusions.
  package let unreadableSegment: String?

  package init(
    finding: CorruptionError, lost: Range<LogPosition>? = nil, unreadableSegment: String? = nil
  ) {
    self.finding = finding
    self.lost = lost
    self.unreadableSegment = unreadableSegment
  }
}
