internal import Primitives

extension Database {
  /// Makes a keyspace of many records at once: several times as fast as setting them in
  /// transactions, because keys and values go straight to full pages, with no lock and no record in
  /// the log for each.
  ///
  /// ```swift
  /// let cities = try database.build("cities") { builder in
  ///   for city in sortedCities { try builder.append(city.name, city.description) }
  /// }
  /// ```
  ///
  /// The keyspace appears as a whole, when the checkpoint that contains it is durable, whatever
  /// `Configuration.durability` says: after a crash at any moment either all of it is there or
  /// nothing. When the closure throws, or the task is cancelled, nothing of it remains and its space
  /// is free again. Other transactions go on meanwhile; one that began before the keyspace appeared
  /// and then uses it fails with `snapshotTooOld`, and `write` begins it again by itself.
  ///
  /// The memory it takes does not depend on how many records there are: about 8 MiB, and in
  /// `.any` order as much as that says.
  /// - Parameters:
  ///   - name: the name of the new keyspace.
  ///   - options: what it is made with.
  ///   - order: in which order the closure appends its keys.
  ///   - progress: told about once for each megabyte how far the build is. When it throws, the build
  ///     ends with that error.
  ///   - body: appends the records; runs once.
  /// - Returns: the new keyspace.
  /// - Throws: what the closures throw; `keyspaceExists` when the name is in use; `cancelled`,
  ///   `diskFull`, `inputOutput`. In each case there is no such keyspace. After `commitUnknown`
  ///   reopening tells.
  @discardableResult
  public func build(
    _ name: String, options: KeyspaceOptions = KeyspaceOptions(), order: BuildOrder = .ascending,
    progress: ((BuildProgress) throws -> Void)? = nil,
    _ body: (inout KeyspaceBuilder) throws -> Void
  ) throws -> Keyspace {
    try requireName(name)
    try engine.enter()
    defer { engine.leave() }
    return try BuildRunner(
      engine: engine, name: name, options: options, order: order, progress: progress,
      cancellation: nil
    ).run(body)
  }
}
