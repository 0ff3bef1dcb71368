extension ScenarioCatalogue {
  /// Lost update, with a read that announces the write.
  static let lostUpdateForUpdate = """
    # The same with a read that announces the write: it takes a lock, and so nothing is lost at any
    # level (correctness rule L10).
    scenario P4-for-update "Lost update after get-for-update"
    source "Berenson et al. 1995 (P4C, cursor lost update)"

    setup
      x = 100

    session A
      a1: get-for-update x
      a2: put x 110
      a3: commit

    session B
      b1: get-for-update x
      b2: put x 120
      b3: commit

    permutations all
    define lost = everybody committed and a1 == 100 and b1 == 100
    expect never lost
    """
}
