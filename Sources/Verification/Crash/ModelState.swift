/// The whole committed state of a database as a model knows it, and its fingerprint.
///
/// The fingerprint is a sum over entries, so it is kept up to date entry by entry and does not
/// depend on their order.
package struct ModelState: Sendable, Equatable {
  package private(set) var keyspaces: [String: [[UInt8]: CrashScript.Value]] = [:]
  package private(set) var fingerprint: UInt64 = 0

  package init() {}

  package mutating func create(_ keyspace: String) {
    guard keyspaces[keyspace] == nil else { return }
    keyspaces[keyspace] = [:]
    fingerprint &+= Self.fingerprint(ofKeyspace: keyspace)
  }

  package mutating func drop(_ keyspace: String) {
    for (key, value) in keyspaces[keyspace] ?? [:] {
      fingerprint &-= Self.fingerprint(keyspace, key, value.bytes)
    }
    if keyspaces.removeValue(forKey: keyspace) != nil {
      fingerprint &-= Self.fingerprint(ofKeyspace: keyspace)
    }
  }

  package mutating func apply(_ write: CrashScript.Write) {
    let old = keyspaces[write.keyspace, default: [:]].removeValue(forKey: write.key)
    if let old { fingerprint &-= Self.fingerprint(write.keyspace, write.key, old.bytes) }
    if let new = write.value {
      keyspaces[write.keyspace, default: [:]][write.key] = new
      fingerprint &+= Self.fingerprint(write.keyspace, write.key, new.bytes)
    }
  }

  /// FNV-1a over the name, the key and the value, mixed once more.
  package static func fingerprint(_ keyspace: String, _ key: [UInt8], _ value: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    for byte in keyspace.utf8 { add(byte) }
    add(255)
    for byte in key { add(byte) }
    add(255)
    for byte in value { add(byte) }
    var generator = ScriptGenerator(seed: hash)
    return generator.next()
  }

  package static func fingerprint(ofKeyspace name: String) -> UInt64 { fingerprint(name, [], []) }
}
