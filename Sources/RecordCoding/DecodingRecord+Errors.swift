extension DecodingRecord {
  /// What `Codable` types throw, with the keys that lead to the value.
  @inline(never)
  func decodingError(
    _ error: ValueError, _ type: any Any.Type, _ key: (any CodingKey)?
  ) -> DecodingError {
    func context(_ text: String, leavingOutKey: Bool = false) -> DecodingError.Context {
      let path = leavingOutKey ? keys : keys + (key.map { [$0] } ?? [])
      return DecodingError.Context(codingPath: path, debugDescription: text)
    }
    switch error {
    case .bytes(let offset, let reason):
      let underlying = RecordDecodingError(offset: offset, reason: reason)
      var path = keys
      if let key { path.append(key) }
      return .dataCorrupted(
        .init(
          codingPath: path, debugDescription: underlying.description, underlyingError: underlying))
    case .mismatch(Tag.null):
      return .valueNotFound(type, context("null where \(type) is expected"))
    case .mismatch(let tag):
      return .typeMismatch(type, context("\(Tag.name(of: tag)) where \(type) is expected"))
    case .unfit(let text):
      return .dataCorrupted(context("\(text) is no \(type)"))
    case .absent:
      guard let key else { return .dataCorrupted(context("no field")) }
      return .keyNotFound(
        key,
        context("the record has no field \"\(key.stringValue)\"", leavingOutKey: true))
    case .atEnd:
      return .valueNotFound(type, context("the list is over where \(type) is expected"))
    }
  }
}
