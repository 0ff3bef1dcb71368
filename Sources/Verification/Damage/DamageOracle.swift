internal import Martlet
internal import Simulation

/// Says what may become of a damaged database.
///
/// - Invariant DO1: what was read is what the model holds, or a typed error said where the damage
///   lies; never anything else.
/// - Invariant DO2: where bytes that the state needs have changed, `verify` has findings, or the
///   database did not open.
/// - Invariant DO3: where no such byte has changed, all is as before, and `verify` is clean.
/// - Invariant DO4: a batch at the very end of the log may be gone as if it had been torn: then the
///   state is the one before it, exactly.
package struct DamageOracle: Sendable {
  /// What damage can do.
  package enum Verdict: Sendable, Hashable {
    /// Nothing that counts has changed.
    case harmless
    /// One copy of the superblock in force has: the other one heals it.
    case healed
    /// The superblock in force is gone, or files are as they once were: an older checkpoint may
    /// serve as well if the log reaches back so far.
    case older
    /// The end of the log cannot be told from a torn one: the state after so many changes.
    case torn(Int)
    case damaged
  }

  /// What became of it, for the table.
  package enum Result: String, Sendable, Hashable, CaseIterable {
    case refused, readError, found, unaffected, tornTail
  }

  package let subject: DamageSubject
  private let contents: [String: [UInt8]]

  package init(_ subject: DamageSubject) {
    self.subject = subject
    var contents: [String: [UInt8]] = [:]
    for path in subject.image.paths { contents[path] = subject.image.contents(of: path) }
    self.contents = contents
  }

  /// What may come of the edits, told by the bytes that they change.
  package func verdict(_ damage: Damage) -> Verdict {
    var files = contents
    for edit in damage.edits {
      switch edit {
      case .overwrite(let path, let offset, let bytes):
        var file = files[path] ?? []
        while file.count < offset + bytes.count { file.append(0) }
        file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        files[path] = file
      case .truncate(let path, let count): files[path] = files[path].map { $0.bytes(0..<count) }
      case .put(let path, let bytes): files[path] = bytes
      case .remove(let path): files[path] = nil
      }
    }
    let changed = subject.anatomy.parts.filter { part in
      part.isNeeded && !(part.kind == .page && subject.abandonedPages.contains(part.number))
        && files[part.path]?.bytes(part.range) != contents[part.path]?.bytes(part.range)
    }
    if changed.isEmpty { return isWhole(files) ? .harmless : .damaged }
    let ofData = changed.filter { $0.path == subject.anatomy.dataPath }
    let rest = changed.filter { $0.path != subject.anatomy.dataPath }
    if ofData.isEmpty { return ofLog(changed, damage, files) }
    if ofData.count == 1, ofData[0].kind == .superblock, !rest.isEmpty {
      // One copy of the superblock heals, so that what became of the log decides.
      return ofLog(rest, damage, files)
    }
    if changed.allSatisfy({ $0.kind == .superblock }) {
      return changed.count == 1 ? .healed : .older
    }
    return damage.kind == .older && damage.edits.count == 1 && changed.count > 2 ? .older : .damaged
  }

  /// Whether every segment has its size.
  private func isWhole(_ files: [String: [UInt8]]) -> Bool {
    subject.anatomy.neededSegments.allSatisfy { path in
      files[path].map { $0.count >= (contents[path]?.count ?? 0) } ?? false
    }
  }

  private func ofLog(
    _ changed: [DatabaseAnatomy.Part], _ damage: Damage, _ files: [String: [UInt8]]
  ) -> Verdict {
    let batches = subject.anatomy.batches
    let numbers = Set(changed.filter { $0.kind == .batch }.map { UInt64($0.number) })
    let first = batches.firstIndex { numbers.contains($0.number) } ?? batches.count
    guard first > 0, batches[first...].allSatisfy({ numbers.contains($0.number) }) else {
      return .damaged
    }
    let isWholeFile = damage.kind == .older || damage.kind == .removed
    let isTail = changed.allSatisfy { $0.kind == .batch } && isWhole(files)
    guard isWholeFile || isTail && numbers.count == 1 else { return .damaged }
    let lost = batches[first...].reduce(0) { $0 + $1.commitCount }
    return .torn(subject.fingerprints.count - 1 - lost)
  }

  /// Judges what became of a damage; a string when it must not have.
  package func judge(
    _ outcome: DamageTrial.Outcome, _ verdict: Verdict
  ) -> (result: Result, problem: String?) {
    if let stranger = outcome.stranger { return (.refused, stranger) }
    if let error = outcome.error {
      let result: Result = outcome.refusal != nil ? .refused : .readError
      if let problem = Self.problem(of: error) { return (result, problem) }
      if verdict == .harmless || verdict == .healed {
        return (result, "an error although nothing that counts is damaged: \(error)")
      }
    }
    if outcome.refusal != nil { return (.refused, Self.problemOfRefusal(outcome)) }
    if let error = outcome.verifyError {
      return (.readError, "verify threw instead of reporting: \(error)")
    }
    guard let report = outcome.report else { return (.readError, "no report") }
    if outcome.readError != nil {
      let problem = report.isClean ? "reading met damage that verify did not find" : nil
      return (.readError, problem ?? Self.problem(of: report))
    }
    return judge(outcome.fingerprint ?? 0, report, verdict)
  }

  private func judge(
    _ fingerprint: UInt64, _ report: VerificationReport, _ verdict: Verdict
  ) -> (result: Result, problem: String?) {
    let isExact = fingerprint == subject.fingerprint
    if case .torn(let count) = verdict, fingerprint == subject.fingerprints[count], report.isClean {
      return (isExact ? .unaffected : .tornTail, nil)
    }
    guard isExact else { return (.unaffected, "a wrong answer, \(report.findings.count) findings") }
    switch verdict {
    case .harmless, .healed:
      return (.unaffected, report.isClean ? nil : "a false alarm: \(report.findings[0])")
    case .older, .torn: return (report.isClean ? .unaffected : .found, nil)
    case .damaged:
      return report.isClean
        ? (.unaffected, "damage that nothing found") : (.found, Self.problem(of: report))
    }
  }

  /// What an error of damage must be: typed, with a place and what to do.
  private static func problem(of error: DatabaseError) -> String? {
    guard [.corrupt, .notADatabase, .newerFormat].contains(error.code) else {
      return "an error of another kind: \(error)"
    }
    return namesPlace(error.message) ? nil : "an error without a place: \(error)"
  }

  private static func problem(of report: VerificationReport) -> String? {
    if let nameless = report.findings.first(where: { !namesPlace("\($0)") }) {
      return "a finding without a place: \(nameless)"
    }
    if let idle = report.findings.first(where: { $0.affects == nil }) {
      return "a finding that does not say what it affects: \(idle)"
    }
    return nil
  }

  /// A database that does not open is verified all the same.
  private static func problemOfRefusal(_ outcome: DamageTrial.Outcome) -> String? {
    guard outcome.error?.code == .corrupt else { return nil }
    if let error = outcome.verifyError { return "an examination threw instead: \(error)" }
    guard let report = outcome.report, report.openingError != nil else {
      return "an examination that says nothing"
    }
    return problem(of: report)
      ?? (report.findings.isEmpty ? "an examination that found no place" : nil)
  }

  private static func namesPlace(_ text: String) -> Bool {
    ["data.martlet", "/log-", "log segments in /", "log record at position"].contains {
      text.contains($0)
    }
  }
}
