extension ScenarioCatalogue {
  /// Two transactions overwrite each other's uncommitted writes.
  static let dirtyWrite = """
    # Two transactions set the same two keys. Whatever the order, one of them must have the last word
    # on both: no level lets a transaction overwrite what another one has written and not committed.
    scenario G0 "Dirty write"
    source "Adya 1999, section 4.2.1 (G0); Berenson et al. 1995 (P0); Hermitage G0"

    setup
      x = 0
      y = 0

    session A
      a1: put x 1
      a2: put y 1
      a3: commit

    session B
      b1: put x 2
      b2: put y 2
      b3: commit

    permutations all
    define mixed = everybody committed and final x != final y
    expect never mixed
    """
}
