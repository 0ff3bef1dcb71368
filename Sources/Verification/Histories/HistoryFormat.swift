/// How a history is written down: an event for each invocation and each completion.
public enum HistoryFormat: String, Sendable, Hashable, CaseIterable {
  /// A JSON object on each line.
  case json
  /// The form of Jepsen: an EDN map on each line.
  case edn

  /// What a text looks like; nil when it holds nothing.
  ///
  /// JSON has a quoted name behind its first brace, EDN a keyword.
  static func guess(_ bytes: [UInt8]) -> HistoryFormat? {
    guard
      let first = bytes.first(where: { $0 > 0x20 && $0 != UInt8(ascii: "{") })
    else { return nil }
    return first == UInt8(ascii: "\"") ? .json : .edn
  }
}
