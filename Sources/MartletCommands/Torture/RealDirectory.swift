internal import Foundation
internal import Verification

/// A database directory under torture, with what must be in it.
struct RealDirectory {
  let path: String
  let workload: RealWorkload
  var model: RealModel

  init(path: String, workload: RealWorkload) {
    self.path = path
    self.workload = workload
    model = RealModel(workload: workload)
  }

  /// What a process is told at its start.
  func arguments(life: Int) -> [String] {
    [
      path, "--seed", String(workload.seed), "--threads", String(workload.threadCount),
      "--grade", workload.grade.rawValue, "--style", workload.style.rawValue,
      "--variant", String(workload.variant),
      "--life", String(life),
    ]
  }

  /// Where each thread goes on, as a process wants to be told.
  var positions: [UInt8] {
    model.positions.flatMap { position in
      (0..<8).map { UInt8(truncatingIfNeeded: position >> (8 * UInt64($0))) }
    }
  }

  /// Judges what a process found.
  ///
  /// - Throws: `RealFailure` with everything that is wrong.
  mutating func judge(_ dump: RealDump, _ summary: inout RealSummary) throws {
    let verdict = model.judge(dump)
    summary.add(verdict)
    if !verdict.violations.isEmpty { throw RealFailure(verdict.violations) }
  }

  /// Opens the database in this process, judges and verifies it, and closes it.
  mutating func inspect(_ summary: inout RealSummary) throws {
    let inspection: RealInspection
    do {
      inspection = try RealInspection(of: path, workload)
    } catch {
      throw RealFailure(["the database cannot be opened: \(error)"])
    }
    summary.openings += 1
    try judge(inspection.dump, &summary)
    if !inspection.findings.isEmpty { throw RealFailure(inspection.findings) }
  }
}

/// A promise was broken.
struct RealFailure: Error {
  let violations: [String]

  init(_ violations: [String]) { self.violations = violations }
}
