extension ScenarioCatalogue {
  /// A chain of two rw-dependencies whose end commits last.
  static let chainThatCommitsInOrder = """
    # A reads what B changes, and B reads what C changes: a chain with B in the middle. It is dangerous
    # only if C commits first of the three, and here C commits last.
    scenario chain-in-order "A chain whose end commits last"
    source "correctness rule S2; Ports and Grittner 2012, section 3.3.1"

    setup
      x = 0
      y = 0
      z = 0

    session A
      a1: get x
      a2: put z 1
      a3: commit

    session B
      b1: get y
      b2: put x 1
      b3: commit

    session C
      c1: put y 1
      c2: commit

    permutations
      in-order: a1 b1 c1 b2 a2 a3 b3 c2

    expect at SER SSER under SSI: everybody committed and nobody blocked
    expect at SER SSER under 2PL: everybody committed and b2 blocked and c1 blocked
    expect at SER SSER under OCC: everybody committed and nobody blocked
    """
}
