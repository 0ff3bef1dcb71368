import Foundation
import Martlet

/// The notes of one device: a database that works without the others, and takes their changes in when
/// they can be reached.
///
/// - Invariant 1: a change of a note, its words in the index and the device's clock are one transaction.
/// - Invariant 2: what was taken in from another device, and how far that was, are one transaction: a
///   crash in between repeats nothing and leaves nothing out.
/// - Invariant 3: of two changes of one note the one with the greater stamp stays, in whichever order they
///   arrive. So devices that have told each other everything show the same.
struct NoteStore: Sendable {
  let device: String
  let database: Database
  /// The clock of the stamps.
  private let clock: Keyspace
  /// How far each other device's changes were taken in.
  private let positions: Keyspace
  /// Where the changes of this device begin.
  let beginning: ChangeToken

  init(_ device: String, at directory: String) throws {
    self.device = device
    // What others may not have seen yet stays in the log, up to 64 MiB of it.
    database = try Database(
      at: directory, configuration: Configuration(changeRetention: 64 << 20))
    try database.open(Schema(Note.all))
    clock = try database.keyspace("clock")
    positions = try database.keyspace("positions")
    beginning = try database.changeToken()
  }

  // MARK: Writing

  func add(_ title: String, _ text: String) throws -> UUID {
    let id = UUID()
    try database.write { tx in
      let note = Note(id: id, title: title, text: text, stamp: try tick(tx))
      try tx.insert(note, into: Note.all)
    }
    return id
  }

  func change(_ id: UUID, _ change: (inout Note) -> Void) throws {
    try database.write { tx in
      let stamp = try tick(tx)
      try tx.update(id, in: Note.all) { note in
        change(&note)
        note.stamp = stamp
      }
    }
  }

  func delete(_ id: UUID) throws {
    try change(id) { note in
      note.isDeleted = true
      note.text = ""
    }
  }

  private func tick(_ tx: borrowing Transaction) throws -> Stamp {
    Stamp(count: try tx.increment("now", in: clock), device: device)
  }

  // MARK: Reading

  /// The titles, in their order, now and after each change.
  var titles: LiveValues<[String]> {
    database.observe { snapshot in
      try snapshot.fetch(Note.all.where(Note.byTitle.all)).map(\.title)
    }
  }

  /// The titles of the notes that have a word that begins so.
  func search(_ beginning: String) throws -> [String] {
    let found = try database.fetch(Note.all.where(Note.byWord.hasPrefix(beginning.lowercased())))
    // A note with two such words is found twice.
    return Set(found.map(\.title)).sorted()
  }

  // MARK: Taking in what other devices did

  /// Takes in the changes of another device, as they become durable there, until the task is cancelled.
  ///
  /// Here the other one is a database in the same process; over a network its feed would be sent.
  func follow(_ other: NoteStore) async throws {
    let position = try await database.read { snapshot in
      try snapshot.value(for: other.device, in: positions, as: ChangeToken.self)
    }
    let changes = try other.database.changes(of: Note.all, from: position ?? other.beginning)
    for try await committed in changes {
      let received = try committed.records(of: Note.all, in: other.database)
        .compactMap(\.newRecord)
      try await database.write { tx in
        for note in received { try merge(note, tx) }
        try tx.set(committed.token, for: other.device, in: positions)
      }
    }
  }

  /// Takes a note in unless what is here is as new: so what comes back from where it was sent to ends
  /// here.
  private func merge(_ note: Note, _ tx: borrowing Transaction) throws {
    if let own = try tx.getForUpdate(note.id, in: Note.all), own.stamp >= note.stamp { return }
    try tx.put(note, in: Note.all)
    let now = try tx.valueForUpdate(for: "now", in: clock, as: Int.self) ?? 0
    try tx.set(max(now, note.stamp.count), for: "now", in: clock)
  }
}
