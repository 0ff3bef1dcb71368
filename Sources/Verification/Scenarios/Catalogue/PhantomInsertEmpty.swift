extension ScenarioCatalogue {
  /// Phantom by insert into an empty range.
  static let phantomInsertEmpty = """
    # The range is empty at first: there is no row on which a lock could lie (correctness rules L3, S9).
    scenario phantom-insert-empty "Phantom by insert into an empty range"
    source "Berenson et al. 1995 (P3, A3), for an empty range"

    setup
      other = 1

    session A
      a1: scan row/ row/9
      a2: scan row/ row/9
      a3: commit

    session B
      b1: put row/2 20
      b2: commit

    permutations all
    define phantom = everybody committed and count a1 == 0 and count a2 == 1
    expect at RU RC RR: happens phantom
    expect at SI SER SSER: never phantom
    """
}
