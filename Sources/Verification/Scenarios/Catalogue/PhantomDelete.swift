extension ScenarioCatalogue {
  /// Phantom by delete.
  static let phantomDelete = """
    # B deletes one of two rows. Repeatable read forbids this one: the row had been read.
    scenario phantom-delete "Phantom by delete"
    source "Berenson et al. 1995 (P3), by delete"

    setup
      row/1 = 10
      row/2 = 20

    session A
      a1: scan row/ row/9
      a2: scan row/ row/9
      a3: commit

    session B
      b1: delete row/2
      b2: commit

    permutations all
    define phantom = everybody committed and count a1 == 2 and count a2 == 1
    expect at RU RC: happens phantom
    expect at RR: never phantom
    expect at SI SER SSER: never phantom
    """
}
