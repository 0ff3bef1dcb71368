extension ScenarioCatalogue {
  /// Each of two transactions inserts what the other one looked for.
  static let writeSkewPredicate = """
    # Each looks for rows, finds none, and inserts one: an anti-dependency cycle over predicates.
    scenario G2 "Write skew with a predicate"
    source "Adya 1999, section 4.2.4 (G2); Hermitage G2"

    setup
      row/1 = 10

    session A
      a1: scan row/2 row/9
      a2: put row/3 30
      a3: commit

    session B
      b1: scan row/2 row/9
      b2: put row/4 40
      b3: commit

    permutations all
    define skew = everybody committed and count a1 == 0 and count b1 == 0
    expect at RU RC RR SI: happens skew
    expect at SER SSER: never skew
    """
}
