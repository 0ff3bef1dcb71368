package import Primitives

/// What the checkpoint that an open began from says, beside the pages.
package struct CheckpointState: Sendable, Equatable {
  package let id: DatabaseID
  package let generation: Generation
  package let timestamp: Timestamp
  /// Up to 64 bytes that belong to the owner of the log.
  package let ownerState: [UInt8]
  /// Where the trees begin; belongs to the version store.
  package let rootTable: [UInt8]
  package let pageSize: Int

  package init(
    id: DatabaseID, generation: Generation, timestamp: Timestamp, ownerState: [UInt8],
    rootTable: [UInt8], pageSize: Int
  ) {
    self.id = id
    self.generation = generation
    self.timestamp = timestamp
    self.ownerState = ownerState
    self.rootTable = rootTable
    self.pageSize = pageSize
  }

  package static let maximumOwnerStateByteCount = 64
}
