extension ScenarioCatalogue {
  /// Phantom by insert into a range.
  static let phantomInsert = """
    # A looks at a range twice, and B inserts a row into it between two rows that are there.
    scenario phantom-insert "Phantom by insert into a range"
    source "Berenson et al. 1995 (P3, A3)"

    setup
      row/1 = 10
      row/3 = 30

    session A
      a1: scan row/ row/9
      a2: scan row/ row/9
      a3: commit

    session B
      b1: put row/2 20
      b2: commit

    permutations all
    define phantom = everybody committed and count a1 == 2 and count a2 == 3
    expect at RU RC RR: happens phantom
    expect at SI SER SSER: never phantom
    """
}
