internal import Foundation
internal import Martlet

/// A failure in one line for people: what went wrong, and where.
package struct ToolError: Error, Equatable, CustomStringConvertible {
  package let description: String

  /// An error of one line; line ends inside the text become spaces.
  package init(_ text: String) {
    description = text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// Any error in one line: the engine's own words without the code in front.
  package init(describing error: any Error) {
    switch error {
    case let error as ToolError: self = error
    case let error as DatabaseError: self.init(error.message)
    case let error as CorruptionError: self.init(error.description)
    case let error as JSONSyntaxError: self.init(error.description)
    case let error as CocoaError: self.init(error.localizedDescription)
    default: self.init(String(describing: error))
    }
  }
}
