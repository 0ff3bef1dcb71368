extension ScenarioCatalogue {
  /// Write skew over keys that are absent.
  static let writeSkewOfAbsentKeys = """
    # Both keys are absent: what is read is that nothing is there, and what is written are inserts
    # (correctness rule S8).
    scenario A5B-absent "Write skew of absent keys"
    source "Berenson et al. 1995 (A5B), for keys that are not there"

    session A
      a1: get y
      a2: put x 1
      a3: commit

    session B
      b1: get x
      b2: put y 1
      b3: commit

    permutations all
    define skew = everybody committed and a1 == absent and b1 == absent
    expect at RU RC SI: happens skew
    expect at RR SER SSER: never skew
    """
}
