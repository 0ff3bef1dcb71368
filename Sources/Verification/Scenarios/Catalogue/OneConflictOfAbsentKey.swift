extension ScenarioCatalogue {
  /// The same over a key that is absent.
  static let oneConflictOfAbsentKey = """
    # What A read is that nothing was there; B inserts it.
    scenario one-conflict-absent "One rw-dependency over an absent key"
    source "correctness rules S8, L1 and O4"

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
    """
}
