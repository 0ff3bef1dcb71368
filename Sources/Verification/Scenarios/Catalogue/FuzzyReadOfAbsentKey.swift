extension ScenarioCatalogue {
  /// A key is absent, and then it is not.
  static let fuzzyReadOfAbsentKey = """
    # The same for a key that is absent at first: whoever found nothing must go on finding nothing
    # (correctness rule S8).
    scenario P2-absent "Fuzzy read of an absent key"
    source "Berenson et al. 1995 (P2), for a key that is not there"

    session A
      a1: get x
      a2: get x
      a3: commit

    session B
      b1: put x 11
      b2: commit

    permutations all
    define fuzzy = everybody committed and a1 == absent and a2 == 11
    expect at RU RC: happens fuzzy
    expect at RR SI SER SSER: never fuzzy
    """
}
