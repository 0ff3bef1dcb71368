extension ScenarioCatalogue {
  /// The same predicate, read twice, gives different rows.
  static let predicateManyPrecedersRead = """
    # A asks twice which rows there are, by different predicates over the same rows; B inserts one
    # that satisfies both. Hermitage asks for value = 30 and then for value % 3 = 0.
    scenario PMP-read "Predicate many preceders, read"
    source "Adya 1999, section 4.3 (PL-2.99); Hermitage PMP"

    setup
      row/1 = 10
      row/2 = 20

    session A
      a1: scan row/3 row/4
      a2: scan row/ row/9
      a3: commit

    session B
      b1: put row/3 30
      b2: commit

    permutations all
    define preceded = everybody committed and count a1 == 0 and a2.row/3 == 30
    expect at RU RC RR: happens preceded
    expect at SI SER SSER: never preceded
    """
}
