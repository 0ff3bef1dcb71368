import Primitives

// Safe snapshots (rule S13). A read-only transaction can only be the `Tin` of a pivot that commits
// after its snapshot with an `earliestOut` that is not. Such a pivot has a snapshot older than
// that, so it is active when the reader begins, or it has committed and is recorded.
extension ConflictHistory {
  /// What is known of a read-only transaction's snapshot. Once `safe` it stays so: end the
  /// tracking, and read on without notes. Asked again whenever a transaction has ended.
  ///
  /// - Complexity: the number of active transactions.
  package func safety(of tracking: Tracking) -> SnapshotSafety {
    let member = members[indexOfMember(tracking)]
    precondition(member.role == .readOnly, "S13: a snapshot of one who may write")
    guard let snapshot = member.snapshot else { return .undecided }
    if member.isUnsafe { return .unsafe }
    let isAwaited = members.contains { other in
      other.isActive && other.role == .serializableSnapshot
        && (other.snapshot ?? other.floor) < snapshot
    }
    return isAwaited ? .undecided : .safe
  }

  /// Looks at who has committed after a snapshot that was just taken.
  mutating func judge(_ snapshot: Timestamp, ofMemberAt index: Int) {
    let whole = summary.whole
    var isUnsafe = whole.newestWrite > snapshot && whole.leastOut <= snapshot
    var commit = commits.end
    while !isUnsafe, commit > commits.start, commits[commit - 1].timestamp > snapshot {
      commit -= 1
      if let out = commits[commit].earliestOut, out.timestamp <= snapshot { isUnsafe = true }
    }
    members[index].isUnsafe = isUnsafe
  }

  /// A pivot commits: the snapshots between its first out-neighbour and itself are dangerous.
  mutating func judge(pivotAt timestamp: Timestamp, with earliestOut: Timestamp) {
    for index in members.indices where members[index].isActive {
      guard members[index].role == .readOnly, let snapshot = members[index].snapshot else {
        continue
      }
      if earliestOut <= snapshot && snapshot < timestamp { members[index].isUnsafe = true }
    }
  }
}
