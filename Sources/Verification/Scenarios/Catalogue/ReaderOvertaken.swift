extension ScenarioCatalogue {
  /// A transaction that only reads is overtaken by a writer.
  static let readerOvertaken = """
    # A only reads, over one snapshot: it needs no validation, and no writer aborts it (rule O7).
    scenario reader-overtaken "A reader is overtaken"
    source "correctness rules O7 and S3"

    setup
      x = 0
      y = 0

    session A
      a1: get x
      a2: get y
      a3: commit

    session B
      b1: put x 1
      b2: put y 1
      b3: commit

    permutations
      overtaken: a1 b1 b2 b3 a2 a3

    expect at SI: everybody committed and nobody blocked and a2 == 0
    expect at SER SSER under SSI: everybody committed and nobody blocked and a2 == 0
    expect at SER SSER under 2PL: everybody committed and b1 blocked and a2 == 0
    expect at SER SSER under OCC: B committed and nobody blocked and a2 == 0
    """
}
