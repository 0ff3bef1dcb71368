internal import Martlet

/// What an opening in the process of the parent finds: everything in the database, and what a
/// verification has to say.
package struct RealInspection: Sendable {
  package let dump: RealDump
  package let findings: [String]

  /// Opens the database, reads it, verifies it and closes it.
  package init(of directory: String, _ workload: RealWorkload) throws {
    let database = try Database(at: directory, configuration: workload.configuration)
    do {
      dump = try RealDump(reading: database)
      findings = try database.verify().findings.map(\.description)
    } catch {
      try? database.close()
      throw error
    }
    try database.close()
  }
}
