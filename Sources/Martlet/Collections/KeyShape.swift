internal import KeyCoding

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What a key is made of, in words that stay the same when types are renamed or moved: the way to
/// notice that an index is of something else now.
struct KeyShape: Equatable, Sendable {
  /// Such as `string` or `(string, integer?)`; `custom` for types of the application's own.
  let text: String
  /// Of how many elements it is made.
  let elementCount: Int

  init<Key: KeyElement>(_ type: Key.Type) {
    if let tuple = type as? any TupleShape.Type {
      let texts = tuple.elementTexts
      text = "(" + texts.joined(separator: ", ") + ")"
      elementCount = texts.count
    } else {
      text = Self.text(of: type)
      elementCount = 1
    }
  }

  static func text<Key: KeyElement>(of type: Key.Type) -> String {
    if let wrapping = type as? any WrappingShape.Type { return wrapping.shapeText }
    if let tuple = type as? any TupleShape.Type {
      return "(" + tuple.elementTexts.joined(separator: ", ") + ")"
    }
    if type is any BinaryInteger.Type { return "integer" }
    if type == String.self { return "string" }
    // The encodings differ: what was stored of one is not found as the other.
    if type == Double.self { return "float" }
    if type == Float.self { return "short float" }
    if type == Bool.self { return "truth value" }
    if type == UUID.self { return "uuid" }
    if type == Date.self { return "date" }
    if type == Data.self || type == [UInt8].self { return "bytes" }
    return "custom"
  }
}

/// Tuples, which tell their elements.
private protocol TupleShape {
  static var elementTexts: [String] { get }
}

extension KeyTuple: TupleShape {
  static var elementTexts: [String] {
    var texts: [String] = []
    for type in repeat (each Element).self { texts.append(KeyShape.text(of: type)) }
    return texts
  }
}

/// Elements around another element.
private protocol WrappingShape {
  static var shapeText: String { get }
}

extension Optional: WrappingShape where Wrapped: KeyElement {
  static var shapeText: String { KeyShape.text(of: Wrapped.self) + "?" }
}

extension Descending: WrappingShape {
  static var shapeText: String { "descending " + KeyShape.text(of: Element.self) }
}
