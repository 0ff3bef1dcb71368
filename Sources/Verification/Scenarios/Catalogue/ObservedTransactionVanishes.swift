extension ScenarioCatalogue {
  /// Of a transaction whose writes were seen, others are missing.
  static let observedTransactionVanishes = """
    # C sees what B wrote in x, and then y as it was before B: the transaction that it observed has
    # vanished. Read committed does not forbid it in the literature; an engine that publishes a commit
    # as a whole and reads the newest published state with each statement never shows it.
    scenario OTV "Observed transaction vanishes"
    source "Adya 1999, section 4.2.3 (PL-2L); Bailis et al. 2014 (OTV); Hermitage OTV"

    setup
      x = 10
      y = 20

    session A
      a1: put x 11
      a2: put y 19
      a3: commit

    session B
      b1: put x 12
      b2: put y 18
      b3: commit

    session C
      c1: get x
      c2: get y
      c3: commit

    permutations all
    define vanishes = B committed and C committed and c1 == 12 and
      (c2 == 20 or (c2 == 19 and a3 before b3))
    expect at RU: happens vanishes
    expect at RC: allowed vanishes
    expect at RR SI SER SSER: never vanishes
    """
}
