extension ScenarioCatalogue {
  /// Two readers see two writers in opposite orders.
  static let longFork = """
    # C sees A's write and not B's; D sees B's and not A's.
    scenario long-fork "Long fork"
    source "Sovran et al. 2011 (parallel snapshot isolation); Bailis et al. 2014"

    setup
      x = 0
      y = 0

    session A
      a1: put x 1
      a2: commit

    session B
      b1: put y 1
      b2: commit

    session C
      c1: get y
      c2: get x; commit

    session D
      d1: get x
      d2: get y; commit

    permutations all
    define fork = everybody committed and c1 == 0 and c2 == 1 and d1 == 0 and d2 == 1
    expect at RU RC: happens fork
    expect at RR SI SER SSER: never fork
    """
}
