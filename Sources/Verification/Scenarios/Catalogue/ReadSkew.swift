extension ScenarioCatalogue {
  /// A transaction sees one half of another one.
  static let readSkew = """
    # A reads x before B changed it and y after.
    scenario G-single "Read skew"
    source "Adya 1999, section 4.3 (G-single); Berenson et al. 1995 (A5A); Hermitage G-single"

    setup
      x = 10
      y = 20

    session A
      a1: get x
      a2: get y
      a3: commit

    session B
      b1: put x 12
      b2: put y 18
      b3: commit

    permutations all
    define skew = everybody committed and a1 == 10 and a2 == 18
    expect at RU RC: happens skew
    expect at RR SI SER SSER: never skew
    """
}
