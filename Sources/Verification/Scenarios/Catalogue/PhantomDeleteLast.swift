extension ScenarioCatalogue {
  /// Phantom by delete of the only row.
  static let phantomDeleteLast = """
    # B deletes the only row; the range becomes empty.
    scenario phantom-delete-last "Phantom by delete of the only row"
    source "Berenson et al. 1995 (P3), by delete"

    setup
      row/2 = 20

    session A
      a1: scan row/ row/9
      a2: scan row/ row/9
      a3: commit

    session B
      b1: delete row/2
      b2: commit

    permutations all
    define phantom = everybody committed and count a1 == 1 and count a2 == 0
    expect at RU RC: happens phantom
    expect at RR: never phantom
    expect at SI SER SSER: never phantom
    """
}
