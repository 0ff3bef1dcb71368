package import Paging

extension VersionStore {
  /// Keeps the newest durable checkpoint readable in the data file, whatever comes after it.
  package func pinDurableCheckpoint() throws(StoreError) -> PinnedCheckpoint {
    do { return try pager.pinDurableCheckpoint() } catch { throw .paging(error) }
  }
}

// Moving images towards the head of the data file: see `Pager+Compaction`.
extension VersionStore {
  /// Begins; false when another compaction is under way.
  package func beginCompaction() -> Bool { pager.beginCompaction() }

  /// Ends it without a look at the file: for whoever may not touch it now.
  package func abandonCompaction() { pager.abandonCompaction() }

  /// Ends it, and cuts the free tail off.
  package func endCompaction() throws(StoreError) {
    do { try pager.endCompaction() } catch { throw .paging(error) }
  }

  /// Finds what lies too far behind.
  package func planCompaction() -> CompactionPlan { pager.planCompaction() }

  /// Moves about a megabyte of a plan, while nobody captures a checkpoint.
  package func move(_ plan: inout CompactionPlan) throws(StoreError) -> Bool {
    do { return try pager.move(&plan) } catch { throw .paging(error) }
  }
}
