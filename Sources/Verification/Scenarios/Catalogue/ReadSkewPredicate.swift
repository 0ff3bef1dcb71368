extension ScenarioCatalogue {
  /// A transaction misses a row of another one and sees the rest of it.
  static let readSkewPredicate = """
    # A asks for the rows before B inserted one, and reads y after B set it.
    scenario G-single-predicate "Read skew with a predicate"
    source "Adya 1999, section 4.3 (G-single); Hermitage G-single with predicates"

    setup
      row/1 = 10
      y = 20

    session A
      a1: scan row/ row/9
      a2: get y
      a3: commit

    session B
      b1: put row/2 30
      b2: put y 18
      b3: commit

    permutations all
    define skew = everybody committed and count a1 == 1 and a2 == 18
    expect at RU RC RR: happens skew
    expect at SI SER SSER: never skew
    """
}
