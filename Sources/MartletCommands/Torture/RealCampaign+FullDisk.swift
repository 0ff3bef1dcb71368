internal import Foundation
internal import Verification

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Writers that run into a disk that is really full.
///
/// - Invariant RT2: a full disk refuses commits with `diskFull` and does nothing else: what was
///   acknowledged is there, reads go on, the same process commits again when there is room, and
///   a process that was killed meanwhile opens again.
extension RealCampaign {
  /// Fills a small disk twice, and the limit of a file's size once.
  mutating func fillDisks(seed: UInt64) throws {
    if let disk = RealDisk(in: folder) {
      do {
        try fill(disk, seed: seed)
      } catch {
        // The evidence stays mounted: the failure names it.
        if Interruption.isAsked { disk.remove() }
        throw error
      }
      disk.remove()
      summary.fullDisks.append(disk.name)
    }
    try fillFile(seed: seed &+ 1)
    summary.fullDisks.append("a limit of file sizes")
  }

  private static let firstRoom = "first-room"
  private static let secondRoom = "second-room"

  private mutating func fill(_ disk: RealDisk, seed: UInt64) throws {
    try disk.fill(Self.firstRoom, megabytes: 5)
    try disk.fill(Self.secondRoom, megabytes: 5)
    var directory = RealDirectory(
      path: disk.path + "/database",
      workload: RealWorkload(seed: seed, threadCount: 3, grade: .full, style: .filling))
    note(directory)
    // Full, given room in its life, and killed.
    var process = try begin(&directory, life: 1)
    try waitUntilRefused(process)
    try disk.makeRoom(Self.firstRoom)
    try waitUntilResumed(process)
    try end(process, life: 1, in: &directory)
    // Full again, killed while it is, and opened while it is: that may be refused, and loses nothing.
    process = try begin(&directory, life: 2)
    try waitUntilRefused(process)
    try end(process, life: 2, in: &directory)
    try openWhileFull(&directory, life: 3)
    try disk.makeRoom(Self.secondRoom)
    process = try begin(&directory, life: 4)
    _ = try process.wait(for: "a commit after there was room") { $0.acknowledged > 10 }
    try end(process, life: 4, in: &directory)
    try directory.inspect(&summary)
  }

  private mutating func fillFile(seed: UInt64) throws {
    var directory = RealDirectory(
      path: folder + "/limited",
      workload: RealWorkload(seed: seed, threadCount: 3, grade: .full, style: .filling))
    note(directory)
    let process = try begin(&directory, life: 1, ["--file-limit", String(5 << 20)])
    try waitUntilRefused(process)
    process.signal(SIGUSR1)
    try waitUntilResumed(process)
    try end(process, life: 1, in: &directory)
    try directory.inspect(&summary)
    try FileManager.default.removeItem(atPath: directory.path)
  }

  private mutating func begin(
    _ directory: inout RealDirectory, life: Int, _ arguments: [String] = []
  ) throws -> RealProcess {
    let process = try start(directory, life, arguments)
    guard try open(process, life, in: &directory) else {
      try conclude(process, life, process.join(), in: &directory)
      throw RealFailure(["the process ended while it opened"])
    }
    process.send(directory.positions)
    return process
  }

  private mutating func end(
    _ process: RealProcess, life: Int, in directory: inout RealDirectory
  ) throws {
    summary.fullDiskRefusals += process.refused
    try conclude(process, life, process.kill9(), in: &directory)
  }

  /// Waits until commits have been refused for a while.
  private func waitUntilRefused(_ process: RealProcess) throws {
    guard try process.wait(for: "a full disk", until: { $0.refused >= 30 }) else { return }
    Thread.sleep(forTimeInterval: 0.1)
  }

  /// Waits until it commits again.
  private func waitUntilResumed(_ process: RealProcess) throws {
    let before = process.acknowledged
    _ = try process.wait(for: "a commit after there was room") { $0.acknowledged > before + 10 }
  }

  /// Opens the database on a disk that is still full: it succeeds, or says why not.
  private mutating func openWhileFull(_ directory: inout RealDirectory, life: Int) throws {
    let process = try start(directory, life, [])
    _ = try process.wait(for: "opening") { $0.hasAnswered }
    let records = try process.take()
    if let refusal = records.first(where: { $0.kind == .notOpened }) {
      let ending = process.join()
      guard refusal.text.hasPrefix("diskFull: "), ending == .exited(0) else {
        throw RealFailure(["on a full disk the database cannot be opened: \(refusal.text)"])
      }
      return
    }
    guard let dump = records.first(where: { $0.kind == .dump }) else {
      throw RealFailure(["a process that opened on a full disk ended: \(process.join())"])
    }
    try directory.judge(RealDump(decoding: dump.tail), &summary)
    try conclude(process, life, process.kill9(), in: &directory)
  }
}
