import Martlet
import Testing

/// Which moment a read shows, level by level.
@Suite struct `A read` {
  static let disciplines: [Discipline] =
    IsolationLevel.allCases.map { Discipline($0) } + Discipline.serializable

  /// Whether a discipline reads the newest state under locks.
  private func locks(_ discipline: Discipline) -> Bool {
    discipline.isolation == .repeatableRead || discipline.using == .twoPhaseLocking
      || (discipline.isolation == .strictSerializable && discipline.using == nil)
  }

  @Test(arguments: disciplines)
  func `shows what is not committed at read uncommitted alone (G1a)`(
    _ discipline: Discipline
  ) throws {
    let stage = try Stage()
    let writer = try stage.open(.snapshot)
    try stage.set("x", 1, writer)
    try stage.set("new", 1, writer)
    let reader = try stage.open(discipline.isolation, discipline.using)
    if locks(discipline) {
      #expect(stage.code { _ = try stage.get("x", reader) } == .lockTimeout)
    } else {
      let isDirty = discipline.isolation == .readUncommitted
      #expect(try stage.get("x", reader) == (isDirty ? 1 : 0))
      #expect(try stage.get("new", reader) == (isDirty ? 1 : nil))
      #expect(
        try stage.scan("a"..<"z", reader)
          == (isDirty ? ["new": 1, "x": 1, "y": 0] : ["x": 0, "y": 0]))
    }
    reader.rollback()
    writer.rollback()
    #expect(try stage.value("x") == 0)
  }

  @Test(arguments: disciplines)
  func `shows what was committed after the begin, or nothing of it (L10)`(
    _ discipline: Discipline
  ) throws {
    let stage = try Stage()
    let reader = try stage.open(discipline.isolation, discipline.using)
    #expect(try stage.get("y", reader) == 0)
    try stage.db.write { tx in
      try tx.set(1, for: "x", in: stage.keys)
      try tx.set(1, for: "new", in: stage.keys)
    }
    let isNewest = locks(discipline) || discipline.isolation <= .readCommitted
    #expect(try stage.get("x", reader) == (isNewest ? 1 : 0))
    #expect(try stage.get("new", reader) == (isNewest ? 1 : nil))
    reader.rollback()
  }

  @Test func `before the commit of an optimistic transaction shows nothing of it (PW1)`() throws {
    // It holds no locks yet, so that of one key several could be shown.
    let stage = try Stage()
    let writer = try stage.open(.serializable, .optimistic)
    try stage.set("x", 1, writer)
    let reader = try stage.open(.readUncommitted)
    #expect(try stage.get("x", reader) == 0)
    reader.rollback()
    writer.rollback()
  }
}
