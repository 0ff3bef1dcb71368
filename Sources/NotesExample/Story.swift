import Foundation
import Martlet

/// What the example shows: a phone and a laptop that share notes, apart and together.
struct Story {
  let directory: String

  func tell() async throws {
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let phone = try NoteStore("phone", at: directory + "/phone")
    let laptop = try NoteStore("laptop", at: directory + "/laptop")
    defer {
      try? phone.database.close()
      try? laptop.database.close()
    }

    print("1. Notes on the phone, found by the beginnings of their words")
    let list = try phone.add("Shopping", "bread, tea, a martlet for the wall")
    let birds = try phone.add("Birds", "Martlets never land. Swifts hardly do.")
    let draft = try phone.add("Draft", "delete me")
    print("   mart…:", try phone.search("mart").joined(separator: ", "))

    print("\n2. A live query on the laptop, which begins to follow the phone")
    let watching = Task { try await watch(laptop) }
    let following = [Task { try await laptop.follow(phone) }]
    try await laptop.waits(for: ["Birds", "Draft", "Shopping"])

    print("\n3. Apart: both change the same note, and the phone deletes another")
    for task in following { try await end(task) }
    try phone.change(birds) { $0.text = "Swifts sleep in flight." }
    try phone.delete(draft)
    try laptop.change(birds) { $0.title = "Birds of the air" }
    try laptop.change(birds) { $0.title = "Birds in heraldry" }
    print("   phone:", try phone.titlesNow().joined(separator: ", "))
    print("   laptop:", try laptop.titlesNow().joined(separator: ", "))

    print("\n4. They meet again: the later change stays, on both")
    let meeting = [
      Task { try await laptop.follow(phone) }, Task { try await phone.follow(laptop) },
    ]
    try await phone.waits(for: ["Birds in heraldry", "Shopping"])
    try await laptop.waits(for: ["Birds in heraldry", "Shopping"])
    for task in meeting { try await end(task) }
    try await end(watching)
    print("   phone:", try phone.titlesNow().joined(separator: ", "))
    print("   laptop:", try laptop.titlesNow().joined(separator: ", "))
    let same = try phone.allNotes() == laptop.allNotes()
    print("   the same notes, tombstones and all: \(same)")

    print("\n5. A backup of the phone, while somebody writes")
    let writing = Task {
      for number in 1...50 { try phone.change(list) { $0.text = "list \(number)" } }
    }
    let summary = try await phone.database.backup(to: directory + "/backup")
    try await writing.value
    let copy = try Database(at: directory + "/backup")
    try await copy.open(Schema(Note.all))
    let count = try await copy.count(Note.all.all)
    print("   \(summary.pageCount) pages; it holds \(count) notes,")
    let text = try await copy.get(list, in: Note.all)?.text ?? ""
    print("   and the list as it was at one moment: \(text)")
    try copy.close()
  }

  /// Prints the titles whenever they change.
  private func watch(_ store: NoteStore) async throws {
    for try await titles in store.titles.removingDuplicates() {
      let list = titles.isEmpty ? "nothing" : titles.joined(separator: ", ")
      print("   \(store.device) shows: \(list)")
    }
  }

  private func end(_ task: Task<Void, any Error>) async throws {
    task.cancel()
    do { try await task.value } catch let error as DatabaseError where error.code == .cancelled {}
  }
}

extension NoteStore {
  func allNotes() throws -> [Note] { try database.fetch(Note.all) }

  func titlesNow() throws -> [String] {
    try database.fetch(Note.all.where(Note.byTitle.all)).map(\.title)
  }

  /// Returns when the titles are these: a live query never misses the newest state.
  func waits(for titles: [String]) async throws {
    for try await newest in self.titles where newest == titles { return }
  }
}
