package import Environment

/// What a call into the file system is for, as far as its kind, its path and what came before tell.
package struct FileStep: Sendable, Equatable {
  /// What part a file plays in a database.
  package enum Role: Sendable, Equatable {
    case data, segment, directory, other
  }

  /// Where in a checkpoint, or in the life of a name, a call stands.
  package enum Detail: Sendable, Equatable {
    case none
    /// A write of images, map or root table.
    case images
    /// A write of a superblock's first or second copy.
    case superblock(copy: Int)
    /// The sync that makes a superblock durable.
    case afterSuperblock
    /// A file under its temporary name gets its own.
    case publication
    /// A log segment gets a temporary name again.
    case recycling
  }

  package let call: FileError.Call
  package let role: Role
  /// Whether the file still has its temporary name.
  package let isTemporary: Bool
  package let detail: Detail

  package init(
    _ call: FileError.Call, _ role: Role, isTemporary: Bool = false, _ detail: Detail = .none
  ) {
    self.call = call
    self.role = role
    self.isTemporary = isTemporary
    self.detail = detail
  }

  /// Whether it changes what a crash leaves.
  var isChange: Bool {
    switch call {
    case .write, .sync, .truncate, .allocate, .punchHole, .rename, .remove, .syncDirectory,
      .createDirectory:
      true
    case .open, .list, .kind, .lock, .read, .size: false
    }
  }

  static let temporarySuffix = ".new"

  /// The role of a path by its last name, and whether that is a temporary one.
  static func role(_ path: String) -> (Role, isTemporary: Bool) {
    var name = FilePath.names(path).last ?? ""
    let isTemporary = name.hasSuffix(temporarySuffix)
    if isTemporary { name.removeLast(temporarySuffix.count) }
    if name == "data.martlet" { return (.data, isTemporary) }
    if name.hasPrefix("log-") { return (.segment, isTemporary) }
    return (.other, isTemporary)
  }
}
