internal import RawBytes

// What the schema keyspace holds: `format-spec/collections.md`. Each value is a list of fields of a
// tag, a count and a content, in ascending order of the tags.

/// What is kept of a collection.
struct StoredCollection: Equatable {
  var specification: CollectionSpecification
  /// Whether a migration has changed its records, so that its declaration may differ now.
  var mayBeRedeclared = false

  var encoded: [UInt8] {
    var fields = FieldWriter()
    fields.append(1, text: specification.coder)
    fields.append(2, text: specification.id)
    if mayBeRedeclared { fields.append(3, bytes: []) }
    return fields.bytes
  }

  init(specification: CollectionSpecification) { self.specification = specification }

  init(decoding bytes: RawSpan, of name: String) throws(DatabaseError) {
    var coder: String?
    var id: String?
    var mayBeRedeclared = false
    try FieldReader.read(bytes, "collection \"\(name)\"") { tag, field throws(DatabaseError) in
      switch tag {
      case 1: coder = field.text
      case 2: id = field.text
      case 3: mayBeRedeclared = true
      default: return false
      }
      return true
    }
    guard let coder, let id else { throw SchemaDamage.error("collection \"\(name)\"") }
    specification = CollectionSpecification(coder: coder, id: id)
    self.mayBeRedeclared = mayBeRedeclared
  }
}

/// What is kept of an index.
struct StoredIndex: Equatable {
  enum State: UInt8 {
    /// Entries of older records may be missing.
    case building = 1
    /// It has all entries.
    case ready = 2
    /// Its entries mean nothing: it has to be built from the beginning in another keyspace.
    case stale = 3
  }

  /// The number of its keyspace.
  var number: UInt64
  var specification: IndexSpecification
  var state: State
  /// The last record whose entries were written by the build.
  var builtThrough: [UInt8]?
  /// How many records those were.
  var builtCount = 0

  init(number: UInt64, specification: IndexSpecification, state: State) {
    self.number = number
    self.specification = specification
    self.state = state
  }

  var encoded: [UInt8] {
    var fields = FieldWriter()
    fields.append(1, number: number)
    fields.append(2, bytes: [specification.multiplicity.rawValue])
    if specification.isUnique { fields.append(3, bytes: []) }
    fields.append(4, number: UInt64(specification.version))
    fields.append(5, text: specification.key)
    fields.append(6, number: UInt64(specification.elementCount))
    fields.append(7, bytes: [state.rawValue])
    if let builtThrough {
      fields.append(8, bytes: builtThrough)
      fields.append(9, number: UInt64(builtCount))
    }
    return fields.bytes
  }

  init(decoding bytes: RawSpan, of name: String) throws(DatabaseError) {
    var number: UInt64?
    var multiplicity: IndexDefinition.Multiplicity?
    var isUnique = false
    var version: UInt64?
    var key: String?
    var elementCount: UInt64?
    var state: State?
    var builtThrough: [UInt8]?
    var builtCount: UInt64 = 0
    try FieldReader.read(bytes, "index \"\(name)\"") { tag, field throws(DatabaseError) in
      switch tag {
      case 1: number = field.number
      case 2: multiplicity = field.byte.flatMap(IndexDefinition.Multiplicity.init(rawValue:))
      case 3: isUnique = true
      case 4: version = field.number
      case 5: key = field.text
      case 6: elementCount = field.number
      case 7: state = field.byte.flatMap(State.init(rawValue:))
      case 8: builtThrough = field.array
      case 9: builtCount = field.number ?? 0
      default: return false
      }
      return true
    }
    guard let number, let multiplicity, let version = version.flatMap(Int.init(exactly:)), let key,
      let elementCount = elementCount.flatMap(Int.init(exactly:)), let state,
      let builtCount = Int(exactly: builtCount)
    else { throw SchemaDamage.error("index \"\(name)\"") }
    self.number = number
    specification = IndexSpecification(
      multiplicity: multiplicity, isUnique: isUnique, version: version, key: key,
      elementCount: elementCount)
    self.state = state
    self.builtThrough = builtThrough
    self.builtCount = builtCount
  }
}

/// What is kept of a migration.
struct StoredMigration: Equatable {
  var name: String
  /// Whether it has run to its end.
  var isDone: Bool
  /// The last record that a migration in batches has rewritten.
  var rewrittenThrough: [UInt8]?
  /// How many records those were.
  var rewrittenCount = 0

  init(name: String, isDone: Bool) {
    self.name = name
    self.isDone = isDone
  }

  var encoded: [UInt8] {
    var fields = FieldWriter()
    fields.append(1, text: name)
    fields.append(2, bytes: [isDone ? 1 : 0])
    if let rewrittenThrough {
      fields.append(3, bytes: rewrittenThrough)
      fields.append(4, number: UInt64(rewrittenCount))
    }
    return fields.bytes
  }

  init(decoding bytes: RawSpan, _ ordinal: Int) throws(DatabaseError) {
    var name: String?
    var state: UInt8?
    var rewrittenThrough: [UInt8]?
    var rewrittenCount: UInt64 = 0
    try FieldReader.read(bytes, "migration \(ordinal)") { tag, field throws(DatabaseError) in
      switch tag {
      case 1: name = field.text
      case 2: state = field.byte
      case 3: rewrittenThrough = field.array
      case 4: rewrittenCount = field.number ?? 0
      default: return false
      }
      return true
    }
    guard let name, let state, state <= 1, let count = Int(exactly: rewrittenCount) else {
      throw SchemaDamage.error("migration \(ordinal)")
    }
    self.name = name
    isDone = state == 1
    self.rewrittenThrough = rewrittenThrough
    self.rewrittenCount = count
  }
}

/// Errors of bytes in the schema keyspace.
enum SchemaDamage {
  static func error(_ what: String) -> DatabaseError {
    DatabaseError(
      damage: CorruptionError(
        location: "keyspace \"\(SystemKeyspace.schema)\", \(what)",
        expected: "fields of a tag, a count and a content", found: "bytes that are none",
        affects: what))
  }
}

/// Appends fields.
struct FieldWriter: ~Copyable {
  private var buffer = ByteBuffer()

  mutating func append(_ tag: UInt8, bytes: [UInt8]) {
    buffer.append(integer: tag)
    bytes.withByteView { buffer.append(counted: $0) }
  }

  mutating func append(_ tag: UInt8, text: String) { append(tag, bytes: Array(text.utf8)) }

  mutating func append(_ tag: UInt8, number: UInt64) {
    var content = ByteBuffer(capacity: 16)
    content.append(varint: number)
    append(tag, bytes: content.view.array)
  }

  var bytes: [UInt8] { buffer.view.array }
}

/// Reads fields.
enum FieldReader {
  /// Hands each field to `body`, which answers whether it knows the tag.
  ///
  /// - Throws: `corrupt` for bytes that are no fields, `newerSchema` for an unknown tag.
  static func read(
    _ bytes: RawSpan, _ what: String, _ body: (UInt8, Field) throws(DatabaseError) -> Bool
  ) throws(DatabaseError) {
    try bytes.withByteView { (view) throws(DatabaseError) in
      var reader = ByteReader(view)
      var previous: UInt8 = 0
      while let tag = reader.integer(UInt8.self) {
        guard tag > previous, let content = reader.counted() else {
          throw SchemaDamage.error(what)
        }
        previous = tag
        guard try body(tag, Field(content: content)) else {
          throw DatabaseError(
            .newerSchema,
            "\(what) has a property of unknown kind \(tag): a newer version of the engine has "
              + "written it; use that")
        }
      }
    }
  }

  /// The content of a field.
  struct Field {
    let content: ByteView

    var array: [UInt8] { content.array }

    var text: String? { unsafe String(validating: content.buffer, as: UTF8.self) }

    var byte: UInt8? { content.count == 1 ? content[0] : nil }

    var number: UInt64? {
      var reader = ByteReader(content)
      guard let number = reader.varint(), reader.remaining == 0 else { return nil }
      return number
    }
  }
}
