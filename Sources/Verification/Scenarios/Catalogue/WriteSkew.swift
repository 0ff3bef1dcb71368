extension ScenarioCatalogue {
  /// Each of two transactions writes what the other one read.
  static let writeSkew = """
    # Each reads what the other one writes, and neither sees the other's write. Snapshot isolation
    # allows just this.
    scenario A5B "Write skew"
    source "Berenson et al. 1995 (A5B); Adya 1999, section 4.2.4 (G2-item); Hermitage G2-item"

    setup
      x = 10
      y = 20

    session A
      a1: get y
      a2: put x 11
      a3: commit

    session B
      b1: get x
      b2: put y 21
      b3: commit

    permutations all
    define skew = everybody committed and a1 == 20 and b1 == 10
    expect at RU RC SI: happens skew
    expect at RR SER SSER: never skew
    """
}
