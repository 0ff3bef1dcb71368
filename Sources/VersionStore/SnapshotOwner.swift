package import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

/// Who has a snapshot, as far as it was told: for whoever asks what keeps old versions in memory.
package struct SnapshotOwner: BitwiseCopyable, Sendable {
  /// Zero: a reader, which has no number.
  package var transaction: TransactionID
  /// What the program calls the transaction.
  package var label: StaticString?
  /// When it began, on the coarse clock.
  package var begun: UInt64

  package init(
    transaction: TransactionID = TransactionID(0), label: StaticString? = nil, begun: UInt64 = 0
  ) {
    self.transaction = transaction
    self.label = label
    self.begun = begun
  }
}

/// An open snapshot, and what it keeps in memory.
package struct SnapshotReport: Sendable, Equatable {
  /// Its place in the registry, which is given to another one when it ends.
  package let slot: Int
  package let timestamp: Timestamp
  /// Zero: a reader, which has no number.
  package let transaction: TransactionID
  package let label: String?
  /// How long it has been open, or, of one that nobody described, how long it has kept something;
  /// nil when it keeps nothing.
  package let age: Duration?
  /// Bytes of superseded versions that it alone keeps, being the newest snapshot that sees them.
  package let pinnedByteCount: Int
  package let isExpired: Bool

  /// In words, to begin a sentence or to end one.
  package var text: String {
    let owner =
      transaction.rawValue == 0 ? "a snapshot" : "transaction \(transaction.rawValue)"
    let name = label.map { " \"\($0)\"" } ?? ""
    let age = age.map { ", \(Self.seconds($0)) s old" } ?? ""
    return "\(owner)\(name) at \(timestamp) (\(pinnedByteCount) bytes\(age))"
  }

  /// The same for programs.
  package var facts: [String: Event.Value] {
    var facts: [String: Event.Value] = [
      "timestamp": .number(timestamp.rawValue), "bytes": .number(pinnedByteCount),
    ]
    if transaction.rawValue != 0 { facts["transaction"] = .number(transaction.rawValue) }
    if let label { facts["label"] = .text(label) }
    if let age { facts["age"] = .duration(age) }
    return facts
  }

  private static func seconds(_ duration: Duration) -> String {
    let tenths = duration / .milliseconds(100)
    return "\(Int(tenths) / 10).\(Int(tenths) % 10)"
  }
}

extension SnapshotRegistry {
  /// Notes who has a snapshot. Four plain stores to the line of memory that the begin has just
  /// written.
  ///
  /// The state goes last: a description counts only beside the state that it was made for.
  // SAFETY: a static string lives for ever and ends with a zero, so its address is all of it.
  @inline(__always)
  func describe(_ snapshot: StoreSnapshot, as owner: SnapshotOwner) {
    let index = Int(snapshot.slot)
    var address: UInt = 0
    if let label = owner.label, label.hasPointerRepresentation {
      address = unsafe UInt(bitPattern: label.utf8Start)
    }
    unsafe slot(index, word: 4).pointee.store(owner.transaction.rawValue, ordering: .relaxed)
    unsafe slot(index, word: 5).pointee.store(UInt64(address), ordering: .relaxed)
    unsafe slot(index, word: 6).pointee.store(owner.begun, ordering: .relaxed)
    unsafe slot(index, word: 3).pointee.store(
      snapshot.timestamp.rawValue &+ Self.bias, ordering: .releasing)
  }

  /// Who has the snapshot of a slot; nil when there is none now. A snapshot that nobody described,
  /// or whose slot changed hands this moment, has an owner of whom nothing is known.
  // SAFETY: the word of the label holds nothing or the address of some static string, and those
  // never go away.
  func owner(ofSlot index: Int) -> Owner? {
    let state = state(index)
    guard state >= Self.bias else { return nil }
    let registered = state & ~Self.expiredBit
    var owner = Owner(
      timestamp: Timestamp(registered - Self.bias), isExpired: state & Self.expiredBit != 0)
    owner.begun = unsafe slot(index, word: 7).pointee.load(ordering: .relaxed)
    guard unsafe slot(index, word: 3).pointee.load(ordering: .acquiring) == registered else {
      return owner
    }
    owner.transaction = unsafe TransactionID(slot(index, word: 4).pointee.load(ordering: .relaxed))
    owner.begun = unsafe slot(index, word: 6).pointee.load(ordering: .relaxed)
    let address = unsafe slot(index, word: 5).pointee.load(ordering: .relaxed)
    if let label = unsafe UnsafePointer<CChar>(bitPattern: UInt(address)) {
      owner.label = unsafe String(cString: label)
    }
    return owner
  }

  /// What a slot tells of its snapshot.
  struct Owner {
    let timestamp: Timestamp
    let isExpired: Bool
    var transaction = TransactionID(0)
    var label: String?
    var begun: UInt64 = 0
  }
}

extension VersionStore {
  /// Every open snapshot, oldest first, those beginning this moment left out.
  package var openSnapshots: [SnapshotReport] {
    (0..<registry.limit).compactMap(report(ofSlot:)).sorted { $0.timestamp < $1.timestamp }
  }

  /// What is known of a live snapshot.
  func report(on snapshot: LiveSnapshot) -> SnapshotReport {
    if let report = report(ofSlot: snapshot.slot), report.timestamp == snapshot.timestamp {
      return report
    }
    return SnapshotReport(
      slot: snapshot.slot, timestamp: snapshot.timestamp, transaction: TransactionID(0), label: nil,
      age: nil,
      pinnedByteCount: 0, isExpired: false)
  }

  private func report(ofSlot index: Int) -> SnapshotReport? {
    guard let owner = registry.owner(ofSlot: index) else { return nil }
    var age: Duration?
    if owner.begun != 0 {
      let now = effects.time.coarse()
      age = .nanoseconds(Int64(clamping: now > owner.begun ? now - owner.begun : 0))
    }
    return SnapshotReport(
      slot: index, timestamp: owner.timestamp, transaction: owner.transaction, label: owner.label,
      age: age,
      pinnedByteCount: ledger.withLock { $0.pinnedByteCount(slot: index) },
      isExpired: owner.isExpired)
  }
}
