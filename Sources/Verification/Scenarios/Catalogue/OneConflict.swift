extension ScenarioCatalogue {
  /// One rw-dependency: SSI commits, 2PL blocks, OCC aborts.
  static let oneConflict = """
    # A reads what B then changes, and commits behind B. One anti-dependency and no dangerous structure:
    # SSI has nothing to object. Locks make B wait. Validation finds A's read out of date.
    scenario one-conflict "One rw-dependency"
    source "correctness rules S2, L2 and O3"

    setup
      x = 0
      y = 0

    session A
      a1: get x
      a2: put y 1
      a3: commit

    session B
      b1: put x 1
      b2: commit

    permutations
      overtaken: a1 b1 b2 a2 a3

    expect at SER SSER under SSI: everybody committed and nobody blocked
    expect at SER SSER under 2PL: everybody committed and b1 blocked
    expect at SER SSER under OCC: A aborted with serializationFailure and B committed and nobody blocked
    expect at SI: everybody committed and nobody blocked
    """
}
