extension ScenarioCatalogue {
  /// Two transactions read each other's writes.
  static let circularInformationFlow = """
    # Each of two transactions reads what the other one wrote: then neither can have come first.
    scenario G1c "Circular information flow"
    source "Adya 1999, section 4.2.2 (G1c); Hermitage G1c"

    setup
      x = 10
      y = 20

    session A
      a1: put x 11
      a2: get y
      a3: commit

    session B
      b1: put y 22
      b2: get x
      b3: commit

    permutations all
    define circle = everybody committed and a2 == 22 and b2 == 11
    expect at RU: happens circle
    expect at RC RR SI SER SSER: never circle
    """
}
