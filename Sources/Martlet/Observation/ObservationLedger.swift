internal import ConcurrencyControl
package import Primitives
internal import RawBytes
package import VersionStore

/// What the registry knows an observer by: given once.
package struct ObserverID: Hashable, Comparable, Sendable {
  package let serial: UInt64

  package static func < (left: Self, right: Self) -> Bool { left.serial < right.serial }
}

/// Decides which observers have to read again: pure, and told of everything in the order in which it
/// is said below.
///
/// **What it guarantees.** An observer that read at moment `s` is told to read again after a commit
/// at moment `t > s` of what it read is acknowledged; and then its new snapshot shows that commit. So
/// the last state is never missed.
///
/// **The naive way** is to read first and to register afterwards what was read. A commit between the
/// two finds nobody registered, and the observer shows the state before it for ever. To register
/// first does not suffice either: nothing is known yet of what will be read; and a commit takes its
/// place in the order long before a reader sees it (it is applied, published, and waits for its
/// flush), so that one which was ordered before the registration, and looked for observers then, may
/// be acknowledged after the observer's snapshot.
///
/// **The way taken.** A commit takes these steps, an observer those:
///
/// ```
///   commit at t                              observer
///   C1  ordered, in the commit section       O1  admitted; the flag "observed" is set
///   C2  if the flag is set: noted here       O2  in the commit section: f = the last ordered
///   C3  published                            O3  the ledger learns f
///   C4  acknowledged                         O4  begins to read: notes are kept from now on
///   C5  if notes await it: `advance`         O5  takes a snapshot: s = the acknowledged watermark
///                                            O6  reads, and finishes with what it has read
/// ```
///
/// Let `t > s` and let the commit have written what the observer read.
/// - The commit was not noted (C2 found no flag). Then its C1 came before O2, since both are in the
///   section, so `t <= f`. The observer has `s < t <= f`: whoever read before `f` reads again as soon
///   as the watermark has passed its moment, on the way to `f` or at it (`unseen`).
/// - It was noted before O4, or while the observer was armed or stale. At O5 it was not acknowledged,
///   for `t > s`, so the note is still pending; it is compared when the watermark passes `t`.
/// - It was noted after O4. Pending when O6 comes: as above. Acknowledged in the meantime: then the
///   note was kept among the recent ones, because somebody was reading, and O6 compares it.
///
/// In each case `advance` is called after C4, because C5 looks after C4 whether notes are awaited, and
/// whoever makes them awaited looks at the watermark afterwards: in the one order of these
/// sequentially consistent steps one sees the other. And since notes are compared only once they
/// are acknowledged, the next snapshot of an observer told so shows the commit.
///
/// A commit that the device refused is never acknowledged, is shown to nobody, and its note stays
/// pending for good.
///
/// - Invariant OL1: a write noted is pending until it is acknowledged, then compared with everybody
///   who is armed, and kept as recent while anybody reads.
/// - Invariant OL2: for want of memory it knows less, never something false: then more is reported to
///   have changed.
package struct ObservationLedger {
  private enum Standing {
    /// It will read when somebody asks.
    case idle
    case reading
    /// It read this at that moment.
    case armed(Interest, at: Timestamp)
  }

  /// Bytes of pending notes, and as many of recent ones.
  package static var byteBudget: Int { 256 << 10 }
  /// A commit of more entries is noted by keyspaces.
  package static var entryLimit: Int { 2048 }

  private var observers: [ObserverID: Standing] = [:]
  private var index = InterestIndex()
  private var pending: WriteNotes
  private var recent: WriteNotes
  private var readingCount = 0
  private var nextSerial: UInt64 = 0
  /// Commits at or before may have gone unnoted; nil: not known yet (O3).
  package private(set) var unseen: Timestamp?
  /// The watermark up to which pending notes have been compared.
  package private(set) var comparedThrough = Timestamp.zero

  package init(byteBudget: Int = ObservationLedger.byteBudget) {
    pending = WriteNotes(byteBudget: byteBudget)
    recent = WriteNotes(byteBudget: byteBudget)
  }

  /// Whether anybody is admitted.
  package var isObserved: Bool { !observers.isEmpty }

  /// Whether somebody may have to be told when the watermark moves on.
  package var isAwaiting: Bool {
    if !pending.writes.isEmpty { return true }
    if let unseen, unseen > comparedThrough, isObserved { return true }
    return pending.marks.contains { mark in
      mark.keyspace.map { index.hasInterest(in: $0) } ?? true
    }
  }

  // MARK: Observers

  /// Step O1.
  package mutating func admit() -> ObserverID {
    nextSerial += 1
    let id = ObserverID(serial: nextSerial)
    observers[id] = .idle
    return id
  }

  /// Step O3: commits ordered up to this moment may not have been noted. Nothing happens when it is
  /// known already, or the observer has gone.
  package mutating func setUnseen(through floor: Timestamp, for id: ObserverID) {
    if unseen == nil, observers[id] != nil { unseen = floor }
  }

  /// Step O4.
  package mutating func begin(_ id: ObserverID) {
    guard let standing = observers[id] else { return }
    switch standing {
    case .idle: break
    case .armed(let interest, _): index.remove(id, interest)
    case .reading: preconditionFailure("an observer reads twice at once")
    }
    observers[id] = .reading
    readingCount += 1
  }

  /// Step O6 of a read that failed: nothing is known of it.
  package mutating func abandon(_ id: ObserverID) {
    guard case .reading? = observers[id] else { return }
    observers[id] = .idle
    endReading()
  }

  /// Step O6. False when what was read has changed already, or the observer has gone.
  package mutating func finish(_ id: ObserverID, _ interest: Interest, at moment: Timestamp) -> Bool
  {
    guard case .reading? = observers[id] else { return false }
    let hasChanged = hasChanged(interest, since: moment)
    observers[id] = hasChanged ? .idle : .armed(interest, at: moment)
    if !hasChanged { index.insert(id, interest) }
    endReading()
    return !hasChanged
  }

  package mutating func remove(_ id: ObserverID) {
    switch observers.removeValue(forKey: id) {
    case nil: return
    case .idle: break
    case .reading: endReading()
    case .armed(let interest, _): index.remove(id, interest)
    }
    guard observers.isEmpty else { return }
    pending.removeAll()
    recent.removeAll()
    unseen = nil
  }

  private mutating func endReading() {
    readingCount -= 1
    if readingCount == 0 { recent.removeAll() }
  }

  /// Whether a commit that is acknowledged and compared wrote any of it after a moment.
  private func hasChanged(_ interest: Interest, since moment: Timestamp) -> Bool {
    if moment < min(unseen ?? .zero, comparedThrough) { return true }
    let keyspaces = interest.keyspaces
    if recent.marks.contains(where: { mark in
      mark.newest > moment && (mark.keyspace.map { keyspaces.contains($0) } ?? true)
    }) {
      return true
    }
    if recent.writes.isEmpty { return false }
    let names = Set(interest.names)
    var hasChanged = false
    recent.forEachWrite { write, key in
      guard !hasChanged, write.timestamp > moment, keyspaces.contains(write.name.keyspace) else {
        return
      }
      hasChanged =
        names.contains(write.name)
        || interest.intervals.contains { $0.keyspace == write.name.keyspace && $0.contains(key) }
    }
    return hasChanged
  }

  // MARK: Commits

  /// Step C2.
  package mutating func note(_ batch: WriteBatch, at timestamp: Timestamp, dropping: KeyspaceID?) {
    if let dropping { pending.mark(dropping, from: timestamp, through: timestamp) }
    let isCoarse = batch.entryCount > Self.entryLimit
    var entries = batch.makeIterator()
    while let entry = entries.next() {
      if !isCoarse, readingCount > 0 || index.hasInterest(in: entry.keyspace) {
        unsafe pending.add(
          timestamp, ReadContext.name(of: entry.key, in: entry.keyspace),
          key: entry.key.buffer.bytes)
      } else {
        // Of no interest now; to whoever reads it before this is acknowledged, it is.
        pending.mark(entry.keyspace, from: timestamp, through: timestamp)
      }
    }
  }

  /// Step C2 of a change that comes without a batch.
  package mutating func noteWhole(_ keyspace: KeyspaceID, at timestamp: Timestamp) {
    pending.mark(keyspace, from: timestamp, through: timestamp)
  }

  /// Step C5: everything up to this moment is acknowledged. Returns who has to read again, in the
  /// order of their admission.
  package mutating func advance(through acknowledged: Timestamp) -> [ObserverID] {
    guard acknowledged > comparedThrough else { return [] }
    var changed: Set<ObserverID> = []
    if let unseen, comparedThrough < unseen {
      let limit = min(unseen, acknowledged)
      for (id, standing) in observers {
        if case .armed(_, let moment) = standing, moment < limit { changed.insert(id) }
      }
    }
    comparedThrough = acknowledged
    if !pending.isEmpty { compare(through: acknowledged, &changed) }
    for id in changed { disarm(id) }
    return changed.sorted()
  }

  private mutating func compare(through acknowledged: Timestamp, _ changed: inout Set<ObserverID>) {
    let notes = pending.takeAll()
    for mark in notes.marks {
      guard mark.oldest <= acknowledged else {
        pending.mark(mark.keyspace, from: mark.oldest, through: mark.newest)
        continue
      }
      let known = min(mark.newest, acknowledged)
      for id in mark.keyspace.map({ index.observers(in: $0) }) ?? index.observers {
        if moment(of: id) < known { changed.insert(id) }
      }
      if readingCount > 0 { recent.mark(mark.keyspace, from: mark.oldest, through: known) }
      if mark.newest > acknowledged {
        pending.mark(
          mark.keyspace, from: Timestamp(acknowledged.rawValue + 1), through: mark.newest)
      }
    }
    notes.forEachWrite { write, key in
      guard write.timestamp <= acknowledged else {
        return pending.add(write.timestamp, write.name, key: key)
      }
      index.forEachObserver(of: write.name, key: key) { id in
        if moment(of: id) < write.timestamp { changed.insert(id) }
      }
      if readingCount > 0 { recent.add(write.timestamp, write.name, key: key) }
    }
  }

  /// When an armed observer read.
  private func moment(of id: ObserverID) -> Timestamp {
    guard case .armed(_, let moment)? = observers[id] else {
      preconditionFailure("an observer in the index that is not armed")
    }
    return moment
  }

  private mutating func disarm(_ id: ObserverID) {
    guard case .armed(let interest, _)? = observers[id] else { return }
    index.remove(id, interest)
    observers[id] = .idle
  }
}
