internal import BTreeIndex
internal import ConcurrencyControl
internal import Primitives
internal import RawBytes
internal import VersionStore

// Merges: writes that depend on the value they change, and that nobody has read.
//
// Read, changed and written back, a counter is the place where all its writers meet: one wins, the
// others begin again. A merge is noted without a lock and without a look, and resolved when its
// transaction commits: the key's exclusive lock is taken, the operations are applied to the newest
// committed value, whatever the snapshot shows, and the record of the log gets the result. The lock is
// free again at publication, before the flush. So any number of merges of one key go with one flush,
// and none of them is refused.
//
// - Invariant MG1: a merge is resolved under the key's exclusive lock, against the newest committed
//   state, and that state does not change before the commit is published (rule M2).
// - Invariant MG2: whoever reads a key of which it has a merge pending has read the key: the merge
//   becomes the write of a value, with all that its level promises for one (`pinMerge`).
// - Invariant MG4: an operation that is noted over the transaction's own write cannot fail for what that
//   write is: it was looked at before.
// - Invariant MG3: of a transaction that is certified and has changed what is newer than its snapshot,
//   everything that it read is the newest: it stands in the serial order at its commit.
extension TransactionState {
  /// Applies an operation to a key's value when the transaction commits.
  ///
  /// Operations on a value that the transaction itself has written are refused at once if they do not
  /// fit. Numbers are changed at once; what may be long is noted here as well.
  ///
  /// - Complexity: O(bytes of the operation), whatever was noted before.
  func merge(_ step: MergeStep, _ key: ByteView, in keyspace: Keyspace) throws(DatabaseError) {
    try requireUsable(keyspace)
    try requireKeyFits(key)
    let name = ReadContext.name(of: key, in: keyspace.id)
    guard let newest = writes.index(of: key, in: keyspace.id, name.fingerprint) else {
      let noted = NotedStep(beneath: nil, isOverOwnWrite: false, step: step)
      return try note(noted, key, in: keyspace)
    }
    let last = writes.isMerge(at: newest) ? writes.notedStep(at: newest) : nil
    let isOverOwnWrite = last?.isOverOwnWrite ?? true
    if isOverOwnWrite, try !fitsOwnWrite(step, after: last, at: newest, key, in: keyspace) {
      return
    }
    guard let last, let both = last.step.joined(with: step) else {
      let noted = NotedStep(beneath: newest, isOverOwnWrite: isOverOwnWrite, step: step)
      return try note(noted, key, in: keyspace)
    }
    let noted = NotedStep(beneath: last.beneath, isOverOwnWrite: isOverOwnWrite, step: both)
    try note(noted, key, in: keyspace)
  }

  /// Whether a step over the transaction's own write can be noted and cannot fail later; otherwise it
  /// has been applied.
  private func fitsOwnWrite(
    _ step: MergeStep, after last: NotedStep?, at index: Int, _ key: ByteView, in keyspace: Keyspace
  ) throws(DatabaseError) -> Bool {
    if case .append = step { return true }
    if step.isOfSet, let last, last.step.isOfSet { return true }
    let (program, own) = writes.merges(at: index)
    guard let own else { preconditionFailure("a merge over an own write that is not there") }
    var value = try ownValue(own)
    do {
      if last != nil { value.bytes = try program.result(on: value.bytes) }
      if step.isOfSet {
        _ = try MergeStep.set(value.bytes)
        return true
      }
    } catch {
      throw DatabaseError(error, key: key.array, keyspace)
    }
    try apply(MergeProgram(steps: [step]), to: value, key, in: keyspace)
    return false
  }

  private func note(_ noted: NotedStep, _ key: ByteView, in keyspace: Keyspace)
    throws(DatabaseError)
  {
    try noted.encoded.withByteView { (bytes) throws(DatabaseError) in
      try noteMerge(key, bytes, in: keyspace)
    }
  }

  // MARK: Reading what is merged into

  /// Makes a noted merge the write of a value, because the key is read: the value that the
  /// transaction's view shows, changed.
  ///
  /// - Throws: as for a read for update; the merge stays noted.
  func pinMerge(_ key: ByteView, _ name: LockName) throws(DatabaseError) {
    guard let index = writes.index(of: key, in: name.keyspace, name.fingerprint),
      writes.isMerge(at: index)
    else { return }
    if writes.notedStep(at: index).isOverOwnWrite { return try settle(index) }
    let program = writes.merges(at: index).program
    let key = key.array
    try key.withByteView { (key) throws(DatabaseError) in
      do throws(DatabaseError) {
        try control.willReadForUpdate(key, name, by: self)
      } catch {
        throw note(error)
      }
      let value = try reads.withScratch { (level) throws(DatabaseError) -> MergedValue in
        do throws(DatabaseError) {
          guard let found = try findStored(key, name, true, copyingTo: level) else {
            return MergedValue()
          }
          let expiry = try storedExpiry(of: key, name)
          return MergedValue(bytes: try bytes(of: found, in: level).array, expiry: expiry)
        } catch {
          throw note(error)
        }
      }
      try apply(program, to: value, key, in: mergedKeyspace(name.keyspace))
    }
  }

  /// Makes a merge over the transaction's own write the write of a value: nothing of others is read.
  private func settle(_ index: Int) throws(DatabaseError) {
    let (program, own) = writes.merges(at: index)
    guard let own else { preconditionFailure("a merge over an own write that is not there") }
    let value = try ownValue(own)
    let keyspace = mergedKeyspace(writes.keyspace(at: index))
    try writes.key(at: index).array.withByteView { (key) throws(DatabaseError) in
      try apply(program, to: value, key, in: keyspace)
    }
  }

  /// Pins every merge within bounds: before a scan.
  func pinMerges(in keyspace: Keyspace, _ bounds: KeyBounds) throws(DatabaseError) {
    guard writes.mergeCount > 0 else { return }
    let lower = OwnedBytes(bounds.lower)
    let upper = OwnedBytes(bounds.upper)
    for index in writes.sortedIndices(in: keyspace.id, from: lower.view, to: upper.view)
    where writes.isMerge(at: index) {
      try pinMerge(writes.key(at: index), writes.name(at: index))
    }
  }

  // MARK: The commit

  /// Gives every noted merge its value, under its lock.
  func resolveMerges() throws(DatabaseError) {
    var indices = writes.allSortedIndices()
    let own = indices.filter { writes.isMerge(at: $0) && writes.notedStep(at: $0).isOverOwnWrite }
    if !own.isEmpty {
      for index in own { try settle(index) }
      indices = writes.allSortedIndices()
    }
    let merges = indices.filter { writes.isMerge(at: $0) }
    for index in merges {
      _ = try lock(.exclusive, writes.name(at: index), writes.key(at: index))
    }
    if control.firstUpdaterWins, merges.count < indices.count {
      // Against the snapshot as it was: it moves on now, and the pipeline looks no further back.
      for index in indices where !writes.isMerge(at: index) {
        try requireNotNewer(writes.key(at: index), writes.name(at: index))
      }
    }
    reads.refresh()
    for index in merges { try resolve(index) }
  }

  private func resolve(_ index: Int) throws(DatabaseError) {
    let program = writes.merges(at: index).program
    let name = writes.name(at: index)
    let key = writes.key(at: index).array
    try key.withByteView { (key) throws(DatabaseError) in
      let value = try reads.withScratch { (level) throws(DatabaseError) -> MergedValue in
        guard let found = try reads.findWithoutNote(key, name, copyingTo: level) else {
          return MergedValue()
        }
        return MergedValue(
          bytes: try reads.bytes(of: found, in: level).array, expiry: found.expiry)
      }
      if tracking != nil, try isNewerThanCertified(key, name) { hasMergedLate = true }
      try apply(program, to: value, key, in: mergedKeyspace(name.keyspace))
    }
  }

  private func isNewerThanCertified(_ key: ByteView, _ name: LockName) throws(DatabaseError) -> Bool
  {
    guard reads.snapshot.timestamp > certifiedFrom else { return false }
    do {
      return try store.newestTimestamp(of: key, in: name.keyspace).map { $0 > certifiedFrom }
        ?? false
    } catch {
      throw DatabaseError(error)
    }
  }

  // MARK: Values

  /// What a merge begins with.
  private struct MergedValue {
    /// Nil when the key is absent.
    var bytes: [UInt8]?
    var expiry: UInt64 = 0
  }

  private func ownValue(_ own: WriteSet.Found) throws(DatabaseError) -> MergedValue {
    if reads.hasExpired(own.expiry) { return MergedValue() }
    switch own.write {
    case .remove, .merge: return MergedValue()
    case .set(let value): return MergedValue(bytes: value.array, expiry: own.expiry)
    case .large(let ordinal, _):
      return try reads.withScratch { (level) throws(DatabaseError) in
        MergedValue(
          bytes: try reads.largeBytes(largeValues[ordinal], in: level, at: reads.snapshot).array,
          expiry: own.expiry)
      }
    }
  }

  /// Writes what a value becomes. What was there keeps its expiry; what is made gets its keyspace's.
  private func apply(
    _ program: MergeProgram, to value: MergedValue, _ key: ByteView, in keyspace: Keyspace
  ) throws(DatabaseError) {
    let result: [UInt8]?
    do { result = try program.result(on: value.bytes) } catch {
      throw DatabaseError(error, key: key.array, keyspace)
    }
    guard let result else { return try remove(key, in: keyspace) }
    let expiry = value.bytes == nil ? defaultExpiry(in: keyspace) : value.expiry
    try result.withByteView { (bytes) throws(DatabaseError) in
      try set(key, to: bytes, expiry: expiry, in: keyspace)
    }
  }
}

extension DatabaseError {
  init(_ failure: MergeFailure, key: [UInt8], _ keyspace: Keyspace) {
    let place = "key \(Self.quoted(key)) of keyspace \"\(keyspace.name)\""
    switch failure {
    case .notAnInteger(let byteCount):
      self.init(
        .valueMismatch, "\(place) has \(byteCount) bytes that are no integer: nothing to add to")
    case .notASet(let byteCount):
      self.init(.valueMismatch, "\(place) has \(byteCount) bytes that are no ByteSet")
    case .overflow(let left, let right):
      self.init(.valueOverflow, "\(place): \(left) and \(right) have no sum in 64 bits")
    }
  }
}
