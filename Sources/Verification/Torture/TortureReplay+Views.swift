internal import Primitives

// Views, each at its timestamp and by its own moment.
extension TortureReplay {
  /// What is to be looked at, in the order of the moments.
  enum View {
    case attempt(Int)
    case observation(Int)
  }

  /// Who looks, and by which moments.
  private struct Viewer {
    let name: String
    let snapshot: Timestamp
    let moment: UInt64
    /// What expires up to here may be gone, although the moment is an earlier one.
    var sweptUpTo: UInt64 = 0

    var description: String {
      "\(name) at \(snapshot)" + (moment == 0 ? "" : ", judging by \(moment),")
    }
  }

  func look(_ view: View) throws(TortureViolation) {
    switch view {
    case .attempt(let index):
      let attempt = history.attempts[index]
      let viewer = Viewer(
        name: attempt.name, snapshot: attempt.snapshot ?? .zero, moment: attempt.moment)
      for sight in attempt.sights where !isUncertain(sight.keyspace, sight.key) {
        try check(sight, viewer)
      }
      for scan in attempt.scans where uncertain[scan.keyspace] == nil { try check(scan, viewer) }
    case .observation(let index):
      let observation = history.observations[index]
      let viewer = Viewer(
        name: "a view", snapshot: observation.snapshot, moment: observation.moment,
        sweptUpTo: observation.sweptUpTo)
      for sight in observation.sights { try check(sight, viewer) }
      for scan in observation.scans { try check(scan, viewer) }
    }
  }

  private func isUncertain(_ keyspace: String, _ key: Int) -> Bool {
    uncertain[keyspace]?.contains(key) ?? false
  }

  /// What a viewer may see of a key that the transaction itself did something to; the first is what
  /// it sees when nothing is in doubt.
  private func views(
    of key: Int, in keyspace: String, _ own: [TortureEffect], _ viewer: Viewer
  ) -> [TortureEntry?] {
    let entry = state[keyspace]?[key]
    var entries = [entry]
    let others = doubts[keyspace, key]
    if !others.isEmpty { entries += others }
    if let entry, entry.expiry != 0, entry.expiry <= viewer.sweptUpTo { entries.append(nil) }
    return entries.map {
      (own.isEmpty ? $0 : $0.after(own, at: viewer.snapshot, judgedBy: viewer.moment))
        .seen(at: viewer.moment)
    }
  }

  private func check(
    _ sight: TortureHistory.Sight, _ viewer: Viewer
  ) throws(TortureViolation) {
    let views = views(of: sight.key, in: sight.keyspace, sight.own, viewer)
    let fits = views.contains { entry in
      guard sight.hash == entry?.hash else { return false }
      guard let expiry = sight.expiry, let entry else { return true }
      return entry.expiry == expiry
    }
    if fits { return }
    throw TortureViolation(
      .wrongRead,
      "\(viewer.description) read key \(sight.key) of \(sight.keyspace) as "
        + "\(sight.hash.map { String($0, radix: 16) } ?? "absent")"
        + (sight.expiry.map { ", expiring at \($0)" } ?? "") + "; it was \(describe(views[0]))")
  }

  private func check(
    _ scan: TortureHistory.Scan, _ viewer: Viewer
  ) throws(TortureViolation) {
    let contents = state[scan.keyspace] ?? [:]
    var keys = contents.keys.filter { scan.bounds?.contains($0) ?? true }
    for key in scan.ownWrites.keys where contents[key] == nil {
      if scan.bounds?.contains(key) ?? true { keys.append(key) }
    }
    if doubts.concern(scan.keyspace) {
      for key in doubts.keys(in: scan.keyspace)
      where contents[key] == nil && scan.ownWrites[key] == nil {
        if scan.bounds?.contains(key) ?? true { keys.append(key) }
      }
    }
    keys.sort()
    if scan.isReverse { keys.reverse() }
    var rows = scan.rows[...]
    var count = 0
    for key in keys {
      if count == scan.limit { break }
      let own = scan.ownWrites[key] ?? []
      if own.isEmpty {
        // What is as it is expected takes no further thought.
        let expected = contents[key].seen(at: viewer.moment)
        if let row = rows.first, row.key == key {
          if expected?.hash == row.hash {
            rows.removeFirst()
            count += 1
            continue
          }
        } else if expected == nil {
          continue
        }
      }
      let views = views(of: key, in: scan.keyspace, own, viewer)
      if let row = rows.first, row.key == key {
        guard views.contains(where: { $0?.hash == row.hash }) else {
          throw wrong(
            scan, viewer, "key \(key), which was \(describe(views[0])), has another value")
        }
        rows.removeFirst()
        count += 1
      } else if !views.contains(nil) {
        throw wrong(scan, viewer, "key \(key) is missing, which was \(describe(views[0]))")
      }
    }
    if let row = rows.first { throw wrong(scan, viewer, "key \(row.key) has no place there") }
  }

  private func wrong(
    _ scan: TortureHistory.Scan, _ viewer: Viewer, _ what: String
  ) -> TortureViolation {
    let found = scan.rows.map { "\($0.key)" }.joined(separator: " ")
    return TortureViolation(
      .wrongRead,
      "\(viewer.description) scanned \(scan.bounds.map { "\($0)" } ?? "all") of \(scan.keyspace)"
        + "\(scan.isReverse ? " backwards" : ""), limit \(scan.limit), to "
        + "\(scan.rows.count) rows [\(found)]: \(what)")
  }
}
