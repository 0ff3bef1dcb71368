extension ScenarioCatalogue {
  /// Transactions that share nothing.
  static let disjointWork = """
    # Two sessions that read, scan and write apart from each other. Nobody is aborted and nobody waits,
    # at any level, under any protocol, in any order.
    scenario disjoint "Disjoint work"
    source "correctness rules L2 and S10: names are keys and intervals, never pages"

    setup
      left/1 = 1
      left/2 = 2
      right/1 = 1
      right/2 = 2

    session A
      a1: scan left/ left/9
      a2: put left/3 3
      a3: get left/4; delete left/1
      a4: commit

    session B
      b1: scan right/ right/9
      b2: put right/3 3
      b3: get right/4; delete right/1
      b4: commit

    permutations all
    expect everybody committed and nobody blocked
    """
}
