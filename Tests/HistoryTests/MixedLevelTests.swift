import Testing
import Verification

/// Histories of several levels at once: each transaction is judged by its own (rule M1).
@Suite struct `The history checker on mixed levels` {
  /// Write skew between two transactions of levels.
  static func skew(_ first: ConsistencyModel, _ second: ConsistencyModel) -> Story {
    var story = Story()
    story.add(level: first, absent(1), append(2, 1))
    story.add(level: second, absent(2), append(1, 2))
    story.add(level: .readCommitted, list(1, 2), list(2, 1))
    return story
  }

  @Test func `forbids write skew only between those that were promised none`() throws {
    #expect(try !Self.skew(.serializable, .serializable).report(.mixed).isValid)
    #expect(try !Self.skew(.repeatableRead, .serializable).report(.mixed).isValid)
    #expect(try Self.skew(.serializable, .snapshotIsolation).report(.mixed).isValid)
    #expect(try Self.skew(.snapshotIsolation, .snapshotIsolation).report(.mixed).isValid)
    #expect(try Self.skew(.readCommitted, .serializable).report(.mixed).isValid)
  }

  @Test func `judges read skew by the level of the reader`() throws {
    for level in ConsistencyModel.allCases {
      var story = Story()
      story.add(level: .readCommitted, append(1, 1), append(2, 1))
      story.add(level: level, list(1, 1), absent(2))
      story.add(level: .readCommitted, list(2, 1))
      #expect(try story.report(.mixed).isValid == !level.forbids(.readSkew), "\(level)")
    }
  }

  @Test func `judges dirty reads by the level of the reader`() throws {
    for level in ConsistencyModel.allCases {
      var story = Story()
      story.add(outcome: .fail, level: .serializable, append(1, 1))
      story.add(level: level, list(1, 1))
      #expect(try story.report(.mixed).isValid == (level == .readUncommitted), "\(level)")
    }
  }

  @Test func `forbids a cycle through a snapshot that is no pivot`() throws {
    // The snapshot misses a serializable write that a serializable reader passes on to it.
    var story = Story()
    story.add(level: .serializable, append(1, 1), append(2, 1))
    story.add(level: .serializable, list(1, 1), append(3, 1))
    story.add(level: .snapshotIsolation, list(3, 1), absent(2))
    story.add(level: .readUncommitted, list(2, 1))
    #expect(try !story.report(.mixed).isValid)
  }

  @Test func `lets a snapshot see what a pivot makes impossible, and forbids it to others (M6)`()
    throws
  {
    // The reader saw the one who committed first and not the pivot, who missed that one.
    for level in ConsistencyModel.allCases {
      var story = Story()
      story.add(level: .serializable, append(1, 1))
      story.add(level: level, list(1, 1), absent(2))
      story.add(level: .serializable, absent(1), append(2, 1))
      story.add(level: .readUncommitted, list(2, 1))
      let isForbidden =
        level == .repeatableRead || level == .serializable || level == .strictSerializable
      #expect(try story.report(.mixed).isValid == !isForbidden, "\(level)")
    }
  }

  @Test func `forgives one of two lost updates`() throws {
    func lost(_ first: ConsistencyModel, _ second: ConsistencyModel) throws -> Bool {
      var story = Story()
      story.add(level: .readCommitted, write(1, 1))
      story.add(level: first, register(1, 1), write(1, 2))
      story.add(level: second, register(1, 1), write(1, 3))
      return try story.report(.mixed).isValid
    }
    #expect(try lost(.readCommitted, .serializable))
    #expect(try !lost(.snapshotIsolation, .serializable))
  }

  @Test func `orders strict transactions after what had completed`() throws {
    func stale(_ level: ConsistencyModel) throws -> Bool {
      var story = Story(concurrent: false)
      story.add(level: .serializable, append(1, 1))
      story.add(level: level, absent(1))
      story.add(level: .serializable, list(1, 1))
      return try story.report(.mixed).isValid
    }
    #expect(try stale(.serializable))
    #expect(try !stale(.strictSerializable))
  }
}
