extension ScenarioCatalogue {
  /// A transaction reads a value that its writer itself replaced.
  static let intermediateRead = """
    # B reads the first of two values that A gives to the same key.
    scenario G1b "Intermediate read"
    source "Adya 1999, section 4.2.2 (G1b); Hermitage G1b"

    setup
      x = 10

    session A
      a1: put x 101
      a2: put x 11
      a3: commit

    session B
      b1: get x
      b2: get x
      b3: commit

    permutations all
    define read-intermediate = B committed and (b1 == 101 or b2 == 101)
    expect at RU: happens read-intermediate
    expect at RC RR SI SER SSER: never read-intermediate
    """
}
