internal import RawBytes
internal import VersionStore

// Entries that expire: see `Expiry`.
extension Transaction {
  /// Sets the value of a key and when it expires, whatever the keyspace's time to live is.
  ///
  /// A value that is set without an expiry gets the keyspace's (`KeyspaceOptions.timeToLive`), or none:
  /// an expiry that the key had before is gone. `increment` and `merge` keep it.
  /// - Throws: as ``set(_:for:in:)``.
  /// - Complexity: eight bytes more in the leaf and the log, and in memory some bytes for every few
  ///   thousand entries.
  public func set(
    _ value: some StoredValue, for key: some StoredKey, in keyspace: Keyspace, expires: Expiry
  ) throws {
    try state.requireUsable(keyspace)
    try key.withKeyBytes { span in
      try value.withValueBytes { value in
        try span.withByteView { key in
          try value.withByteView { value in
            try state.set(key, to: value, expiry: state.stored(expires), in: keyspace)
          }
        }
      }
    }
  }

  /// Gives a key that is there another expiry and leaves its value: prolongs it, or with `.never`
  /// keeps it for good.
  ///
  /// It is a write of the key, of the whole value.
  /// - Returns: whether the key was there.
  /// - Throws: as ``set(_:for:in:)``.
  @discardableResult
  public func touch(_ key: some StoredKey, in keyspace: Keyspace, expires: Expiry) throws -> Bool {
    try state.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in
        try state.touch(key, expiry: state.stored(expires), in: keyspace)
      }
    }
  }

  /// When a key expires: `.never` or `.at` a moment; nil when the key is absent.
  ///
  /// - Complexity: O(log n) pages; a large value is not read.
  public func expiry(of key: some StoredKey, in keyspace: Keyspace) throws -> Expiry? {
    try state.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in
        try state.expiry(of: key, in: keyspace).map { Expiry.stored($0) }
      }
    }
  }
}

extension Snapshot {
  /// When a key expires: `.never` or `.at` a moment; nil when the key is absent.
  ///
  /// - Complexity: O(log n) pages; a large value is not read.
  public func expiry(of key: some StoredKey, in keyspace: Keyspace) throws -> Expiry? {
    try context.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in
        try context.withScratch { level in
          try context.find(key, in: keyspace.id, copyingTo: level).map {
            Expiry.stored($0.expiry)
          }
        }
      }
    }
  }
}

// By which moment is judged what has expired: for who holds answers against a model.
extension Transaction {
  /// The moment; fixed now if it was not yet.
  package var expiryMoment: UInt64 { state.reads.expiryMoment }

  /// The moment; zero as long as there is none, because nothing expired when it began.
  package var judgedMoment: UInt64 { state.reads.snapshot.moment }
}

extension Snapshot {
  /// The moment; zero when nothing expired when it began: then it sees nothing that does.
  package var judgedMoment: UInt64 { context.snapshot.moment }
}
