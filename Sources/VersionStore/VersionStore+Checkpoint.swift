internal import Paging
package import Primitives

/// A checkpoint that has been captured and not yet written.
package struct CapturedStoreCheckpoint: ~Copyable {
  let pages: CapturedCheckpoint

  /// The generation that the checkpoint will have.
  package var generation: Generation { pages.generation }
}

extension VersionStore {
  /// Fixes the state that `write` will store: every commit applied so far and no other. Takes
  /// microseconds. The caller makes sure that no apply is under way.
  ///
  /// - Parameter ownerState: up to 64 bytes, handed back by `open`: where replay begins.
  /// - Parameter timestamp: at or above every commit applied.
  package func captureCheckpoint(
    ownerState: [UInt8], timestamp: Timestamp
  ) -> CapturedStoreCheckpoint {
    let hints = deferred.hints(byteLimit: RootTable.hintByteLimit)
    gate.close()
    let table = RootTable(
      nextKeyspaceID: keyspaceTable.nextID, roots: keyspaceTable.allRoots,
      tombstones: hints.tombstones, unswept: hints.unswept, expiring: expiries.keyspaces)
    // What reaches the file from here on may expire: older programs must not read it.
    if expiries.isInUse { pager.require(.expiry) }
    let captured = pager.captureCheckpoint(
      ownerState: ownerState, timestamp: timestamp, rootTable: table.encoded)
    gate.open()
    return CapturedStoreCheckpoint(pages: captured)
  }

  /// Writes a captured checkpoint; long, on any thread, while everything goes on.
  ///
  /// - Throws: the checkpoint before stays in force.
  package func write(_ captured: consuming CapturedStoreCheckpoint) throws(StoreError) {
    do { try pager.write(captured.pages) } catch { throw .paging(error) }
  }
}
