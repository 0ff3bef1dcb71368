extension ScenarioCatalogue {
  /// Two compare-and-sets of the same old value; one must fail.
  static let lostCompareAndSet = """
    # Both replace 100. At most one may find it.
    scenario P4-compare "Lost compare-and-set"
    source "Berenson et al. 1995 (P4), with compare-and-set"

    setup
      x = 100

    session A
      a1: cas x 100 110
      a2: commit

    session B
      b1: cas x 100 120
      b2: commit

    permutations all
    define lost = everybody committed and a1 == true and b1 == true
    expect never lost
    """
}
