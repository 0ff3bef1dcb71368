extension ScenarioCatalogue {
  /// A transaction that only reads makes a history impossible.
  static let readOnlyAnomaly = """
    # x is a checking account and y a savings account, both empty. A pays 20 in; B takes 10 out and
    # pays a fee of 1, for it saw no money; C only reads, and sees A's 20 but not B's withdrawal.
    # Without C the order B, A explains everything. With C nothing does.
    scenario read-only "Read-only anomaly"
    source "Fekete, O'Neil and O'Neil 2004; Hermitage, read-only transaction anomaly"

    setup
      x = 0
      y = 0

    session A
      a1: put y 20
      a2: commit

    session B
      b1: get x
      b2: get y
      b3: put x -11
      b4: commit

    session C
      c1: get x
      c2: get y
      c3: commit

    permutations all
    define anomaly = everybody committed and b2 == 0 and c1 == 0 and c2 == 20
    expect at RU RC SI: happens anomaly
    expect at RR SER SSER: never anomaly
    """
}
