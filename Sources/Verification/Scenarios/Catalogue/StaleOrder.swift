extension ScenarioCatalogue {
  /// A transaction is put before one that had ended when it began.
  static let staleOrder = """
    # C begins when B has ended, and yet comes before it: C < A < B is the only order that explains what
    # they read. Serializable allows it. Strict serializable does not.
    scenario stale-order "Stale serial order"
    source "Herlihy and Wing 1990; Papadimitriou 1979 (strict serializability)"

    setup
      x = 0
      z = 0

    session A
      a1: get x
      a2: put z 1
      a3: commit

    session B
      b1: put x 1
      b2: commit

    session C
      c1: get z
      c2: commit

    permutations all
    define stale = everybody committed and a1 == 0 and c1 == 0 and b2 before c1 and c2 before a3
    expect at RU RC SI: happens stale
    expect at RR SER: allowed stale
    expect at SSER: never stale
    """
}
