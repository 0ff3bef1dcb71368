extension ScenarioCatalogue {
  /// Phantom by insert at the edge of a range.
  static let phantomInsertEdge = """
    # B inserts the first key that the range admits; no key of the range stands before it.
    scenario phantom-insert-edge "Phantom by insert at the edge of a range"
    source "Berenson et al. 1995 (P3, A3), at the lower bound"

    setup
      row/5 = 50

    session A
      a1: scan row/ row/9
      a2: scan row/ row/9
      a3: commit

    session B
      b1: put row/ 1
      b2: commit

    permutations all
    define phantom = everybody committed and count a1 == 1 and count a2 == 2
    expect at RU RC RR: happens phantom
    expect at SI SER SSER: never phantom
    """
}
