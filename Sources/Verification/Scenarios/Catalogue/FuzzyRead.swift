extension ScenarioCatalogue {
  /// A key read twice has two values.
  static let fuzzyRead = """
    # A reads a key twice and gets two answers.
    scenario P2 "Fuzzy read"
    source "Berenson et al. 1995 (P2, A2)"

    setup
      x = 10

    session A
      a1: get x
      a2: get x
      a3: commit

    session B
      b1: put x 11
      b2: commit

    permutations all
    define fuzzy = everybody committed and a1 == 10 and a2 == 11
    expect at RU RC: happens fuzzy
    expect at RR SI SER SSER: never fuzzy
    """
}
