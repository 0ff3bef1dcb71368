extension ScenarioCatalogue {
  /// Write skew whose read stands behind a savepoint that is rolled back.
  static let writeSkewAcrossSavepoint = """
    # A reads y inside a savepoint and rolls it back. What it read it has read, and may write what
    # follows from it (correctness rule S6).
    scenario A5B-savepoint "Write skew across a savepoint"
    source "Berenson et al. 1995 (A5B); Ports and Grittner 2012, section 7.3"

    setup
      x = 10
      y = 20

    session A
      a1: savepoint s
      a2: get y; rollback-to s
      a3: put x 11
      a4: commit

    session B
      b1: get x
      b2: put y 21
      b3: commit

    permutations all
    define skew = everybody committed and a2 == 20 and b1 == 10
    expect at RU RC SI: happens skew
    expect at RR SER SSER: never skew
    """
}
