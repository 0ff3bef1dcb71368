public import KeyCoding

/// A part of an index: `byCity.equals("Oslo")`. What `RecordCollection.where(_:)` takes.
public struct IndexSelection<Record>: Sendable {
  let index: IndexDefinition
  let bounds: TupleBounds
}

extension RecordIndex {
  /// All entries.
  public var all: IndexSelection<Record> { selection(.all) }

  /// The records with a key.
  public func equals(_ key: Key) -> IndexSelection<Record> {
    selection(TupleBounds(equalTo: TupleBounds.encoding(of: key)))
  }

  /// The records whose keys lie in a range: `18..<65`, `18...`, `..<65`.
  public func within(_ range: some KeyRangeExpression<Key>) -> IndexSelection<Record> {
    selection(TupleBounds(startingWith: [], then: range))
  }

  private func selection(_ bounds: TupleBounds) -> IndexSelection<Record> {
    IndexSelection(index: derivation.definition, bounds: bounds)
  }
}

extension RecordIndex where Key == String {
  /// The records whose key begins with a text, byte by byte.
  public func hasPrefix(_ beginning: String) -> IndexSelection<Record> {
    selection(TupleBounds(startingWith: [], thenText: beginning))
  }
}

// Parts of compound indexes: equality on the first keys, and perhaps a range of the next.
extension RecordIndex {
  private func selection<each Element: KeyElement>(
    equalTo elements: repeat each Element
  ) -> IndexSelection<Record> {
    selection(TupleBounds(equalTo: TupleBounds.encoding(of: KeyTuple(repeat each elements))))
  }

  private func selection<each Element: KeyElement>(
    startingWith elements: repeat each Element
  ) -> IndexSelection<Record> {
    selection(TupleBounds(startingWith: TupleBounds.encoding(of: KeyTuple(repeat each elements))))
  }

  private func selection<each Element: KeyElement>(
    startingWith elements: repeat each Element, then range: some KeyRangeExpression
  ) -> IndexSelection<Record> {
    selection(
      TupleBounds(
        startingWith: TupleBounds.encoding(of: KeyTuple(repeat each elements)), then: range))
  }

  /// The records with both keys.
  public func equals<First: KeyElement, Second: KeyElement>(
    _ first: First, _ second: Second
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second> {
    selection(equalTo: first, second)
  }

  /// The records with a first key.
  public func starts<First: KeyElement, Second: KeyElement>(
    with first: First
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second> {
    selection(startingWith: first)
  }

  /// The records with a first key, and a second one in a range.
  public func starts<First: KeyElement, Second: KeyElement>(
    with first: First, then range: some KeyRangeExpression<Second>
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second> {
    selection(startingWith: first, then: range)
  }

  /// The records whose first key lies in a range.
  public func starts<First: KeyElement, Second: KeyElement>(
    within range: some KeyRangeExpression<First>
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second> {
    selection(TupleBounds(startingWith: [], then: range))
  }

  /// The records with a first key, and a second one that begins with a text.
  public func starts<First: KeyElement>(
    with first: First, thenPrefix beginning: String
  ) -> IndexSelection<Record> where Key == KeyTuple<First, String> {
    selection(
      TupleBounds(
        startingWith: TupleBounds.encoding(of: KeyTuple(first)), thenText: beginning))
  }

  /// The records with all three keys.
  public func equals<First: KeyElement, Second: KeyElement, Third: KeyElement>(
    _ first: First, _ second: Second, _ third: Third
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second, Third> {
    selection(equalTo: first, second, third)
  }

  /// The records with a first key.
  public func starts<First: KeyElement, Second: KeyElement, Third: KeyElement>(
    with first: First
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second, Third> {
    selection(startingWith: first)
  }

  /// The records with two first keys.
  public func starts<First: KeyElement, Second: KeyElement, Third: KeyElement>(
    with first: First, _ second: Second
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second, Third> {
    selection(startingWith: first, second)
  }

  /// The records with a first key, and a second one in a range.
  public func starts<First: KeyElement, Second: KeyElement, Third: KeyElement>(
    with first: First, then range: some KeyRangeExpression<Second>
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second, Third> {
    selection(startingWith: first, then: range)
  }

  /// The records with two first keys, and a third one in a range.
  public func starts<First: KeyElement, Second: KeyElement, Third: KeyElement>(
    with first: First, _ second: Second, then range: some KeyRangeExpression<Third>
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second, Third> {
    selection(startingWith: first, second, then: range)
  }

  /// The records with all four keys.
  public func equals<
    First: KeyElement, Second: KeyElement, Third: KeyElement, Fourth: KeyElement
  >(
    _ first: First, _ second: Second, _ third: Third, _ fourth: Fourth
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second, Third, Fourth> {
    selection(equalTo: first, second, third, fourth)
  }

  /// The records with three first keys.
  public func starts<
    First: KeyElement, Second: KeyElement, Third: KeyElement, Fourth: KeyElement
  >(
    with first: First, _ second: Second, _ third: Third
  ) -> IndexSelection<Record> where Key == KeyTuple<First, Second, Third, Fourth> {
    selection(startingWith: first, second, third)
  }
}
