extension ScenarioCatalogue {
  /// Phantom by re-insert.
  static let phantomReinsert = """
    # B deletes the only row and commits, and then inserts it again: the row that A missed is back.
    scenario phantom-reinsert "Phantom by re-insert"
    source "Berenson et al. 1995 (P3), by delete and insert"

    setup
      row/2 = 20

    session A
      a1: scan row/ row/9
      a2: scan row/ row/9
      a3: commit

    session B
      b1: delete row/2; commit
      b2: put row/2 21
      b3: commit

    permutations all
    define phantom = everybody committed and count a1 == 0 and a2.row/2 == 21
    expect at RU RC RR: happens phantom
    expect at SI SER SSER: never phantom
    """
}
