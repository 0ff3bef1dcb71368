import Foundation
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// Bytes that lie under right checksums: counts, offsets, lengths, page ids, cycles. The checks of
/// structure find them, or they change nothing; no read, verification or write traps or loops
/// (style, section 6: bytes that lie).
@Suite(.serialized) struct `A forged database` {
  /// What a byte is made.
  static func bytes(_ old: UInt8, _ generator: inout ScriptGenerator) -> [UInt8] {
    let random = UInt8(truncatingIfNeeded: generator.next())
    return Set([0, 1, 0xFF, old ^ 1, old ^ 0x80, old &+ 1, random]).subtracting([old]).sorted()
  }

  static func subject(isClosed: Bool) throws -> DamageSubject {
    print("seed \(Seed.fixed)")
    return try DamageSubject(
      isClosed ? "closed" : "killed", .everything(seed: Seed.fixed), compression: .none,
      isClosed: isClosed)
  }

  /// How to forge something: made when its turn comes, for there are many.
  struct Recipe: Sendable {
    let target: DatabaseAnatomy.Part.Kind
    let place: String
    let body: @Sendable (inout Forgery) -> Void
  }

  /// Runs forgeries. Where the structure itself lies, a wrong answer must be found out; other bytes
  /// may tell another story that hangs together.
  func run(
    _ title: String, _ subject: DamageSubject, _ recipes: [Recipe], isStructure: Bool,
    factor: Int = 1
  ) {
    let run = DamageRun()
    let forgery = Forgery(subject.anatomy, image: subject.image)
    run.each(recipes.map { Damage(.garbage, $0.target, $0.place, []) }, DamageRun.stride(factor)) {
      index in
      var forged = forgery
      recipes[index].body(&forged)
      guard forged.isChanged else { return ("unaffected", nil) }
      let damage = Damage(.garbage, recipes[index].target, recipes[index].place, forged.edits)
      let outcome = DamageTrial(configuration: subject.configuration, isWritten: true)
        .run(damage.applied(to: subject.image))
      return judge(outcome, subject, damage, isStructure: isStructure)
    }
    run.finish(title)
  }

  private func judge(
    _ outcome: DamageTrial.Outcome, _ subject: DamageSubject, _ damage: Damage, isStructure: Bool
  ) -> (result: String, problem: String?) {
    if let stranger = outcome.stranger { return ("stranger", "\(damage): \(stranger)") }
    if outcome.refusal?.code == .newerFormat { return ("newerFormat", nil) }
    if let error = outcome.verifyError { return ("verifyError", "\(damage): \(error)") }
    let isClean = outcome.report?.isClean ?? true
    if let error = outcome.error, ![.corrupt, .newerFormat].contains(error.code) {
      // The length of a large value may lie as well: then verify has to say so.
      let isTooLarge = error.code == .valueTooLarge && !isClean
      return (error.code.name, isTooLarge ? nil : "\(damage): \(error)")
    }
    if outcome.refusal != nil { return ("refused", nil) }
    if let error = outcome.readError {
      return ("readError", isClean ? "\(damage): \(error), verify found nothing" : nil)
    }
    if !isClean { return ("found", nil) }
    if outcome.fingerprint == subject.fingerprint { return ("unaffected", nil) }
    return ("another story", isStructure ? "\(damage): a wrong answer, and verify is clean" : nil)
  }

  /// Whether a page is a leaf without fences: the only node of its tree.
  static func isWholeTree(_ page: [UInt8]) -> Bool {
    page[0] == 1 && page[12..<16].allSatisfy { $0 == 0 }
  }

  /// Where the bytes of a page's structure are: header, slots, heads of entries, references.
  static func structure(of page: [UInt8]) -> [Int] {
    guard page.count > 0 else { return [] }
    if page[0] == 4 { return Array(0..<16) }
    if page[0] == 3 { return Array(0..<40) + [page.count / 2, page.count - 1] }
    var offsets = Array(0..<40)
    let isLeaf = page[0] == 1
    for slot in 0..<Int(page.field(UInt16.self, at: 8)) {
      let place = 40 + 8 * slot
      if slot < 3 { offsets += place..<place + 4 }
      let entry = Int(page.field(UInt16.self, at: place + 2))
      if !isLeaf {
        if slot < 4 { offsets += entry..<entry + 4 }
        continue
      }
      let isOverflow = page[entry + 8] & 2 != 0
      if slot < 2 || isOverflow { offsets += entry + 8..<entry + 11 }
      if isOverflow {
        let value = entry + 11 + Int(page.field(UInt16.self, at: place))
        offsets += value..<value + 12
      }
    }
    return offsets
  }

  @Test func `is found out: a byte of the structure of any page`() throws {
    let subject = try Self.subject(isClosed: true)
    var generator = ScriptGenerator(seed: Seed.fixed)
    let forgery = Forgery(subject.anatomy, image: subject.image)
    var recipes: [Recipe] = []
    for id in subject.anatomy.pages.keys.sorted() {
      let page = forgery.page(id)
      for offset in Self.structure(of: page) {
        for byte in Self.bytes(page[offset], &generator) {
          recipes.append(
            Recipe(
              target: .page,
              place: "page \(id) of kind \(page[0]), byte \(offset): \(page[offset]) is \(byte)"
            ) { $0.changePage(id) { $0[offset] = byte } })
        }
      }
    }
    // The pages are many and alike: each is met by another part of the bytes.
    run("forged pages, by bytes", subject, recipes, isStructure: true, factor: 5)
  }

  @Test func `is found out: whole fields of any page, and page ids that lead in circles`() throws {
    let subject = try Self.subject(isClosed: true)
    let forgery = Forgery(subject.anatomy, image: subject.image)
    let ids = subject.anatomy.pages.keys.sorted()
    var recipes: [Recipe] = []
    func add(_ id: Int, _ place: String, _ body: @escaping @Sendable (inout [UInt8]) -> Void) {
      recipes.append(
        Recipe(target: .page, place: "page \(id), \(place)") { $0.changePage(id, body) })
    }
    for id in ids {
      let page = forgery.page(id)
      for offset in stride(from: 0, to: page[0] == 4 ? 16 : 40, by: 2) {
        for value: UInt16 in [0, 1, 0x7FFF, 0x8000, 0xFFFF, 4096, 4095] {
          add(id, "16 bits at \(offset): \(value)") { $0.setField(value, at: offset) }
        }
        for value: UInt32 in [0, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] where offset % 4 == 0 {
          add(id, "32 bits at \(offset): \(value)") { $0.setField(value, at: offset) }
        }
      }
      let references =
        switch page[0] {
        case 2:
          [32]
            + (0..<Int(page.field(UInt16.self, at: 8))).map {
              Int(page.field(UInt16.self, at: 40 + 8 * $0 + 2))
            }
        case 3: (0..<Int(page.field(UInt32.self, at: 8))).map { 16 + 4 * $0 }
        default: [Int]()
        }
      for offset in references {
        for target in ids.map(UInt32.init) + [0, 99_999, 0xFFFF_FFFF] {
          add(id, "leads to page \(target) at \(offset)") { $0.setField(target, at: offset) }
        }
      }
      // The content of each other page under its own id.
      for other in ids where other != id {
        let bytes = forgery.page(other)
        // Data pages alike but for their data tell another story.
        guard bytes.count == page.count, page[0] != 4 || bytes[8..<16] != page[8..<16] else {
          continue
        }
        // And so do whole trees of one leaf: a leaf does not say whose it is.
        if Self.isWholeTree(page), Self.isWholeTree(bytes) { continue }
        add(id, "with the content of page \(other)") {
          $0 = bytes
          $0.setField(UInt32(id), at: 4)
        }
      }
    }
    run("forged pages, by fields", subject, recipes, isStructure: true, factor: 3)
  }

  @Test func `does not trap: any byte of keys, values and catalog`() throws {
    let subject = try Self.subject(isClosed: true)
    var generator = ScriptGenerator(seed: Seed.fixed)
    let forgery = Forgery(subject.anatomy, image: subject.image)
    var recipes: [Recipe] = []
    for id in subject.anatomy.pages.keys.sorted() {
      let page = forgery.page(id)
      let isCatalog = id == 1
      for _ in 0..<(isCatalog ? 900 : 30) {
        let heap = Int(page.field(UInt32.self, at: 16))
        let offset =
          isCatalog
          ? max(40, heap) + generator.below(max(1, 4096 - max(40, heap)))
          : 40 + generator.below(4056)
        let choice = Self.bytes(page[offset], &generator)
        let byte = choice[generator.below(choice.count)]
        recipes.append(
          Recipe(target: .page, place: "page \(id), byte \(offset): \(byte)") {
            $0.changePage(id) { $0[offset] = byte }
          })
      }
    }
    run("forged content", subject, recipes, isStructure: false)
  }

  @Test func `is found out: superblock, page map and root table`() throws {
    let subject = try Self.subject(isClosed: true)
    var generator = ScriptGenerator(seed: Seed.fixed)
    var recipes: [Recipe] = []
    var stories: [Recipe] = []
    func add(
      _ target: DatabaseAnatomy.Part.Kind, _ place: String, isStructure: Bool = true,
      _ body: @escaping @Sendable (inout Forgery) -> Void
    ) {
      let recipe = Recipe(target: target, place: place, body: body)
      if isStructure { recipes.append(recipe) } else { stories.append(recipe) }
    }
    // What the owner remembers is a story of its own: where the log stands. So is the moment of the
    // checkpoint: commits above it may be under way.
    for offset in 0..<232 {
      for byte: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        add(
          .superblock, "superblock, byte \(offset): \(byte)",
          isStructure: offset < 160 && !(64..<72).contains(offset)
        ) {
          $0.changeSuperblock { $0[offset] = byte }
        }
      }
    }
    for offset in stride(from: 160, to: 200, by: 8) {
      for value: UInt64 in [.max, .max - 1, 1 << 63, (1 << 63) - 1, 1 << 33, 0] {
        add(.superblock, "superblock, 64 bits at \(offset): \(value)", isStructure: false) {
          $0.changeSuperblock { $0.setField(value, at: offset) }
        }
      }
    }
    for offset in stride(from: 8, to: 128, by: 4) {
      for value: UInt32 in [.max, 1 << 31, 4096] {
        add(
          .superblock, "superblock, 32 bits at \(offset): \(value)",
          isStructure: !(64..<72).contains(offset)
        ) {
          $0.changeSuperblock { $0.setField(value, at: offset) }
        }
      }
    }
    let pages = subject.anatomy.pages
    for id in pages.keys.sorted() {
      for offset in 0..<16 where offset < 8 || offset > 11 {
        for byte: UInt8 in [0, 1, 7, 8, 0xFF, UInt8(truncatingIfNeeded: generator.next())] {
          add(.mapBlock, "entry of page \(id), byte \(offset): \(byte)") {
            $0.changeEntry(ofPage: id) { $0[offset] = byte }
          }
        }
      }
      for other in pages.keys.sorted() where other != id {
        guard let from = pages[other] else { continue }
        add(.mapBlock, "page \(id) where page \(other) is") {
          $0.changeEntry(ofPage: id) {
            $0 = subject.anatomy.data.bytes(from.entryOffset..<from.entryOffset + 16)
          }
        }
      }
      guard let from = pages[id] else { continue }
      let entry = subject.anatomy.data.bytes(from.entryOffset..<from.entryOffset + 16)
      for extra in [0, 200, 255] {
        add(.mapBlock, "page \(extra) where page \(id) is") {
          $0.changeEntry(ofPage: extra) { $0 = entry }
        }
      }
      for extra: UInt32 in [1 << 16, 1 << 24, .max] where id == 2 {
        add(.mapBlock, "page \(extra) where page \(id) is") { $0.addPage(extra, at: entry) }
      }
    }
    let table = subject.anatomy.parts.first { $0.kind == .rootTable }?.range.count ?? 0
    for offset in 0..<table {
      for byte: UInt8 in [0, 1, 2, 0x7F, 0x80, 0xFF] {
        add(.rootTable, "root table, byte \(offset): \(byte)") {
          $0.changeRootTable { $0[offset] = byte }
        }
      }
      add(.rootTable, "root table, cut at \(offset)") {
        $0.changeRootTable { $0.removeLast($0.count - offset) }
      }
    }
    run(
      "forged superblock, map and root table", subject, recipes, isStructure: true, factor: 3)
    run("forged owner state", subject, stories, isStructure: false)
  }

  @Test func `does not trap: any field of segments, batches and records`() throws {
    let subject = try Self.subject(isClosed: false)
    var generator = ScriptGenerator(seed: Seed.fixed)
    let forgery = Forgery(subject.anatomy, image: subject.image)
    var recipes: [Recipe] = []
    func add(
      _ target: DatabaseAnatomy.Part.Kind, _ place: String,
      _ body: @escaping @Sendable (inout Forgery) -> Void
    ) {
      recipes.append(Recipe(target: target, place: place, body: body))
    }
    for path in subject.anatomy.neededSegments {
      for offset in 0..<64 {
        for byte: UInt8 in [0, 1, 0x80, 0xFF] {
          add(.segmentHeader, "\(path), byte \(offset): \(byte)") {
            $0.changeSegment(path) { $0[offset] = byte }
          }
        }
      }
    }
    for batch in subject.anatomy.batches {
      let bytes = forgery.batch(batch)
      var offsets = Set(0..<72)
      for record in batch.records {
        let start = record - batch.range.lowerBound
        offsets.formUnion(start..<min(bytes.count, start + 28 + 40))
      }
      for _ in 0..<30 { offsets.insert(generator.below(bytes.count)) }
      for offset in offsets.sorted() {
        for byte in Self.bytes(bytes[offset], &generator) {
          add(.batch, "batch \(batch.number), byte \(offset): \(byte)") {
            $0.changeBatch(batch) { $0[offset] = byte }
          }
        }
      }
      for offset in stride(from: 8, to: 56, by: 8) {
        for value: UInt64 in [.max, .max - 1, 1 << 63, 0] {
          add(.batch, "batch \(batch.number), 64 bits at \(offset): \(value)") {
            $0.changeBatch(batch) { $0.setField(value, at: offset) }
          }
        }
      }
      for record in batch.records {
        let start = record - batch.range.lowerBound
        for offset in [8, 16] {
          for value: UInt64 in [.max, .max - 1, 1 << 63, 0] {
            add(.batch, "batch \(batch.number), record's 64 bits at \(offset): \(value)") {
              $0.changeBatch(batch) { $0.setField(value, at: start + offset) }
            }
          }
        }
      }
    }
    run("forged log", subject, recipes, isStructure: false, factor: 7)
  }
}
