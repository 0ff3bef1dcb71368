import Martlet
import RawBytes
import Simulation

extension FuzzTarget {
  /// A folder of files that may be anything, opened, read, verified, written and opened again.
  ///
  /// What opens and reads without an error must not have been a guess: after commits, a checkpoint
  /// and a close, a second open reads the same.
  package static let database = FuzzTarget(
    "database", summary: "a database folder: files from nothing, or changes to a sound database",
    maximumByteCount: 2048, seeds: FolderSeeds.folders
  ) { input in
    var tape = ByteTape(input)
    let folder = FolderInput(&tape)
    let simulator = Simulator(seed: 1, disk: folder.disk)
    simulator.run { effects in
      do {
        let before = try FolderSession(effects, writes: folder.writes).run()
        guard let before, folder.writes else { return }
        let after = try FolderSession(effects, writes: false).run()
        require(after?.entries == before.entries, "a database that reads otherwise when reopened")
      } catch let error as DatabaseError {
        require(!error.message.isEmpty, "an error without words")
      } catch {
        violated("an untyped error of a database: \(type(of: error)) \(error)")
      }
    }
  }
}
