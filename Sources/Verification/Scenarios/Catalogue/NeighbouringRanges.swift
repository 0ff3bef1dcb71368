extension ScenarioCatalogue {
  /// Half-open ranges that touch share no key.
  static let neighbouringRanges = """
    # The range of A ends where the range of B begins.
    scenario neighbours "Neighbouring ranges"
    source "correctness rule L2: half-open intervals"

    setup
      a = 1
      m = 2
      z = 3

    session A
      a1: scan a m
      a2: put f 1
      a3: commit

    session B
      b1: scan m zz
      b2: put m 20
      b3: commit

    permutations all
    expect everybody committed and nobody blocked
    """
}
