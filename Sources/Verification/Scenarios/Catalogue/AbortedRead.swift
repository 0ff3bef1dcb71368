extension ScenarioCatalogue {
  /// A transaction reads what never was committed.
  static let abortedRead = """
    # B reads what A wrote and then rolled back.
    scenario G1a "Aborted read"
    source "Adya 1999, section 4.2.2 (G1a); Berenson et al. 1995 (A1); Hermitage G1a"

    setup
      x = 10

    session A
      a1: put x 101
      a2: abort

    session B
      b1: get x
      b2: get x
      b3: commit

    permutations all
    define read-aborted = B committed and (b1 == 101 or b2 == 101)
    expect at RU: happens read-aborted
    expect at RC RR SI SER SSER: never read-aborted
    expect at SI: not B aborted
    """
}
