/// What differs between a declaration and what a database knows, in words.
enum DefinitionChange {
  static func describe(
    _ wanted: CollectionDefinition, _ known: CollectionSpecification,
    _ indexes: [(name: String, specification: IndexSpecification)]
  ) -> String {
    var changes: [String] = []
    if wanted.specification != known {
      changes.append(
        "\(wanted.specification.description), where the database has: \(known.description)")
    }
    for index in wanted.indexes {
      guard let old = indexes.first(where: { $0.name == index.name }) else {
        changes.append("index \"\(index.name)\" is new")
        continue
      }
      if old.specification != index.specification {
        changes.append(
          "index \"\(index.name)\" is \(index.specification.description), where the database has: "
            + old.specification.description)
      }
    }
    for old in indexes where !wanted.indexes.contains(where: { $0.name == old.name }) {
      changes.append("index \"\(old.name)\" is missing")
    }
    return changes.joined(separator: "; ")
  }
}
