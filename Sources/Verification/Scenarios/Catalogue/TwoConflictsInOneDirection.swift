extension ScenarioCatalogue {
  /// Two rw-dependencies in one direction are no dangerous structure.
  static let twoConflictsInOneDirection = """
    # A reads two keys that B and C change. Two edges leave A, and none comes in.
    scenario two-conflicts "Two rw-dependencies in one direction"
    source "correctness rules S2 and S4"

    setup
      x = 0
      y = 0
      z = 0

    session A
      a1: get x
      a2: get y
      a3: put z 1
      a4: commit

    session B
      b1: put x 1
      b2: commit

    session C
      c1: put y 1
      c2: commit

    permutations
      overtaken: a1 a2 b1 b2 c1 c2 a3 a4

    expect at SER SSER under SSI: everybody committed and nobody blocked
    expect at SER SSER under 2PL: everybody committed and b1 blocked and c1 blocked
    expect at SER SSER under OCC: A aborted with serializationFailure and B committed and C committed and nobody blocked
    """
}
