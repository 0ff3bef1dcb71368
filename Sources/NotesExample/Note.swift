import Foundation
import Martlet

/// A note, as every device keeps it.
struct Note: Codable, Identifiable, Sendable, Equatable {
  let id: UUID
  var title: String
  var text: String
  /// A deleted note stays, without its text: a tombstone, which tells other devices of the deletion.
  var isDeleted = false
  /// Which change of it this is: the greatest wins, on every device.
  var stamp: Stamp

  /// The words by which it is found: lowercased, each once.
  var words: Set<String> {
    guard !isDeleted else { return [] }
    let words = (title + " " + text).lowercased().split { !$0.isLetter && !$0.isNumber }
    return Set(words.map(String.init))
  }

  /// Its title, unless it is deleted.
  var listedTitle: String? { isDeleted ? nil : title }

  /// An entry for each word: `hasPrefix("mart")` finds the notes about martlets.
  static let byWord = RecordIndex("words", onEach: \Note.words)
  /// What a list shows. Tombstones have no entry.
  static let byTitle = RecordIndex("title", onPresent: \Note.listedTitle)
  static let all = RecordCollection("notes", of: Note.self, indexes: byWord, byTitle)
}

/// When a note was changed, by a clock that only counts: greater than everything that the device had
/// seen. Two devices that change a note without knowing of each other make stamps that differ in the
/// device at least, so that every device decides the same between them.
struct Stamp: Codable, Sendable, Hashable, Comparable {
  var count: Int
  var device: String

  static func < (left: Stamp, right: Stamp) -> Bool {
    (left.count, left.device) < (right.count, right.device)
  }
}
