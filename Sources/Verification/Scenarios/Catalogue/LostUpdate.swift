extension ScenarioCatalogue {
  /// Two transactions read a key and set it; one update is lost.
  static let lostUpdate = """
    # Both read 100 and set what follows from it: the update of whoever commits first is lost.
    scenario P4 "Lost update"
    source "Berenson et al. 1995 (P4); Hermitage P4"

    setup
      x = 100

    session A
      a1: get x
      a2: put x 110
      a3: commit

    session B
      b1: get x
      b2: put x 120
      b3: commit

    permutations all
    define lost = everybody committed and a1 == 100 and b1 == 100
    expect at RU RC: happens lost
    expect at RR SI SER SSER: never lost
    """
}
