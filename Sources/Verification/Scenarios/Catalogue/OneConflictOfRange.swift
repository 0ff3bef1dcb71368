extension ScenarioCatalogue {
  /// The same over a range.
  static let oneConflictOfRange = """
    # What A read is a range; B inserts into it.
    scenario one-conflict-range "One rw-dependency over a range"
    source "correctness rules S9, L3 and O4"

    setup
      row/1 = 10

    session A
      a1: scan row/ row/9
      a2: put y 1
      a3: commit

    session B
      b1: put row/2 20
      b2: commit

    permutations
      overtaken: a1 b1 b2 a2 a3

    expect at SER SSER under SSI: everybody committed and nobody blocked
    expect at SER SSER under 2PL: everybody committed and b1 blocked
    expect at SER SSER under OCC: A aborted with serializationFailure and B committed and nobody blocked
    """
}
