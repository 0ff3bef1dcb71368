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

  package static let maximumOwnerStateByteCount = 64
}
