import Foundation
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// What `verify` says of damage: where it is, and what it affects, also when the database does not
/// open any more.
@Suite struct `A report of damage` {
  private func subject(isClosed: Bool) throws -> DamageSubject {
    try DamageSubject(
      "subject", .everything(seed: Seed.fixed), compression: .none, isClosed: isClosed)
  }

  /// Verifies the subject with some damage.
  private func report(
    _ subject: DamageSubject, _ edits: [Damage.Edit]
  ) throws -> VerificationReport {
    let image = Damage(.garbage, .page, "", edits).applied(to: subject.image)
    return try Simulator(seed: 1, disk: image).run { effects in
      try Database.verify(
        at: CrashSession.directory, configuration: subject.configuration, effects: effects)
    }
  }

  private func zeros(_ part: DatabaseAnatomy.Part) -> Damage.Edit {
    .overwrite(
      part.path, at: part.range.lowerBound, [UInt8](repeating: 0, count: part.range.count))
  }

  @Test func `names the keys or the value that a damaged page holds`() throws {
    let subject = try subject(isClosed: true)
    let forgery = Forgery(subject.anatomy, image: subject.image)
    var kinds: Set<UInt8> = []
    for part in subject.anatomy.parts where part.kind == .page {
      let kind = forgery.page(part.number)[0]
      let report = try report(subject, [zeros(part)])
      let finding = report.findings.first { $0.location.contains("page \(part.number) at byte") }
      let affects = finding?.affects ?? ""
      #expect(finding?.location.hasPrefix("data.martlet, ") == true, "\(report.findings)")
      switch kind {
      case _ where part.number == 1: #expect(report.openingError != nil, "the catalog")
      case 1, 2:
        #expect(affects.contains("key") && affects.contains(" of keyspace \""), "\(affects)")
      default:
        #expect(affects.hasPrefix("the value of key \"large/"), "\(affects)")
        #expect(affects.hasSuffix("of keyspace \"main\""), "\(affects)")
      }
      kinds.insert(kind)
    }
    #expect(kinds == [1, 2, 3, 4], "every kind of page was met")
  }

  @Test func `names all damaged pages at once`() throws {
    let subject = try subject(isClosed: true)
    let parts = subject.anatomy.parts.filter { $0.kind == .page && $0.number > 1 }
    let report = try report(subject, parts.map(zeros))
    for part in parts {
      #expect(report.findings.contains { $0.location.contains("page \(part.number) at byte") })
    }
    #expect(report.openingError == nil)
  }

  @Test func `names log positions, and goes on behind a damaged batch`() throws {
    let subject = try subject(isClosed: false)
    let batches = subject.anatomy.parts.filter { $0.kind == .batch }
    for part in batches.dropLast() {
      let report = try report(subject, [zeros(part)])
      #expect(report.openingError?.code == .corrupt)
      let finding = try #require(report.findings.first)
      #expect(finding.location.contains(part.path) || part == batches[0], "\(finding)")
      #expect(finding.affects?.contains("commit") == true, "\(finding)")
      #expect(
        report.batchCount == batches.count - 1 || part == batches[0], "\(report.batchCount)")
    }
  }

  @Test func `names what is left of a database that does not open`() throws {
    let subject = try subject(isClosed: false)
    let parts = subject.anatomy.parts
    let page = try #require(parts.first { $0.kind == .page && $0.number > 1 })
    let map = try #require(parts.first { $0.kind == .mapBlock })
    let table = try #require(parts.first { $0.kind == .rootTable })
    let superblocks = parts.filter { $0.kind == .superblock }

    let ofMap = try report(subject, [zeros(map), zeros(page)])
    #expect(ofMap.findings.contains { $0.affects == "pages 1 to 255" }, "\(ofMap.findings)")

    let ofTable = try report(subject, [zeros(table), zeros(page)])
    #expect(ofTable.findings.contains { $0.affects?.contains("where its trees begin") == true })
    #expect(ofTable.findings.contains { $0.affects == "what page \(page.number) holds" })

    let bits = superblocks.map { Damage.Edit.overwrite($0.path, at: $0.range.lowerBound + 99, [7]) }
    let ofSuperblocks = try report(subject, bits)
    #expect(ofSuperblocks.findings.count == 4, "\(ofSuperblocks.findings)")
    #expect(ofSuperblocks.findings.allSatisfy { $0.affects == "the whole database" })

    let ofFile = try report(subject, [.remove(subject.anatomy.dataPath)])
    #expect(ofFile.findings.contains { $0.location == "data.martlet" && $0.found == "none" })

    let segment = try #require(subject.anatomy.neededSegments.first)
    let ofSegment = try report(subject, [.remove(segment)])
    #expect(ofSegment.findings.contains { $0.location.hasPrefix("log segments in /database") })
    for report in [ofMap, ofTable, ofSuperblocks, ofFile, ofSegment] {
      #expect(!report.isClean && report.openingError?.code == .corrupt)
    }
  }

  @Test func `changes nothing when the database does not open`() throws {
    let subject = try subject(isClosed: false)
    let batch = try #require(subject.anatomy.parts.first { $0.kind == .batch })
    let image = Damage(.zeroed, .batch, "", [zeros(batch)]).applied(to: subject.image)
    let simulator = Simulator(seed: 1, disk: image)
    let report = try simulator.run { effects in
      try Database.verify(
        at: CrashSession.directory, configuration: subject.configuration, effects: effects)
    }
    #expect(!report.isClean)
    for path in image.paths {
      #expect(simulator.disk.snapshot.contents(of: path) == image.contents(of: path), "\(path)")
    }
  }
}
