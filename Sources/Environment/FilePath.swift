/// Paths, taken apart and put together: strings with `/` between names.
package enum FilePath {
  /// The names of a path, without empty ones and `.`.
  package static func names(_ path: String) -> [String] {
    path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
      .filter { $0 != "." }
  }

  /// The directory that holds what stands at the path.
  package static func parent(of path: String) -> String {
    let parents = names(path).dropLast()
    if path.utf8.first == UInt8(ascii: "/") { return "/" + parents.joined(separator: "/") }
    return parents.isEmpty ? "." : parents.joined(separator: "/")
  }

  /// A name in a directory.
  package static func join(_ directory: String, _ name: String) -> String {
    directory.utf8.last == UInt8(ascii: "/") ? directory + name : directory + "/" + name
  }
}
