extension ScenarioCatalogue {
  /// Two atomic increments; none may be lost.
  static let lostIncrement = """
    # Increments read and write in one step. None is lost, at any level.
    scenario P4-increment "Lost increment"
    source "Berenson et al. 1995 (P4), with atomic increments"

    setup
      x = 100

    session A
      a1: incr x 10
      a2: incr x 10
      a3: commit

    session B
      b1: incr x 1
      b2: incr x 1
      b3: commit

    permutations all
    define lost = everybody committed and final x != 122
    expect never lost
    """
}
