extension ScenarioCatalogue {
  /// Dirty write in opposite orders: a deadlock that must be broken.
  static let dirtyWriteCrossed = """
    # The same in opposite orders of the keys: whoever locks can get into a deadlock here, and must
    # find out.
    scenario G0-crossed "Dirty write, keys in opposite orders"
    source "Adya 1999, section 4.2.1 (G0)"

    setup
      x = 0
      y = 0

    session A
      a1: put x 1
      a2: put y 1
      a3: commit

    session B
      b1: put y 2
      b2: put x 2
      b3: commit

    permutations all
    define mixed = everybody committed and final x != final y
    expect never mixed
    expect not (A aborted and B aborted)
    """
}
