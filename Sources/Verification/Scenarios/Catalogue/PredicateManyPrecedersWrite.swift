extension ScenarioCatalogue {
  /// A write by predicate misses a row and overwrites its writer.
  static let predicateManyPrecedersWrite = """
    # B counts the rows and writes the total; A adds a row and its own total. B misses A's row, so B
    # came first, and overwrites A's total, so A came first.
    scenario PMP-write "Predicate many preceders, write"
    source "Adya 1999, section 4.3 (PL-2.99); Hermitage PMP for write predicates"

    setup
      row/1 = 10
      row/2 = 20
      total = 2

    session A
      a1: put row/3 30
      a2: put total 100
      a3: commit

    session B
      b1: scan row/ row/9
      b2: put total 2
      b3: commit

    permutations all
    define preceded = everybody committed and count b1 == 2 and final total == 2 and
      a3 before b3
    expect at RU RC RR: happens preceded
    expect at SI SER SSER: never preceded
    """
}
