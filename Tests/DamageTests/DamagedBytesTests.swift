import Foundation
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// Every part of every file zeroed, flipped, swapped, replaced by its older image, cut, doubled,
/// removed: a typed error that names the place, or nothing wrong at all (rules F7, F9, W2, R4).
@Suite(.serialized) struct `A damaged database` {
  static func subjects() throws -> [DamageSubject] {
    let seed = Seed.fixed
    print("seed \(seed)")
    return [
      try DamageSubject("closed", .everything(seed: seed), compression: .none, isClosed: true),
      try DamageSubject("killed", .everything(seed: seed), compression: .none, isClosed: false),
      try DamageSubject(
        "compressed", .everything(seed: seed), compression: .lz4, isClosed: false),
      // Killed while the tree of a dropped keyspace was still there.
      try DamageSubject(
        "dropping", .everything(seed: seed, endsWithDrop: true), compression: .none,
        isClosed: false),
    ]
  }

  /// What power cuts in the middle of a life leave.
  static func crashed() throws -> [DamageSubject] {
    let campaign = try CrashCampaign(script: .short(seed: Seed.fixed), seed: Seed.fixed)
    let cuts = campaign.cuts.count
    return try [0.4, 0.7, 0.9].map { share in
      let cut = campaign.cuts[Int(Double(cuts) * share)]
      return try DamageSubject(
        "crashed at change \(cut.change)", cut, of: campaign,
        older: campaign.cuts[cuts / 4].image)
    }
  }

  /// The parts that count, and some of the others.
  static func parts(_ subject: DamageSubject, unusedStride: Int) -> [DatabaseAnatomy.Part] {
    let unused = subject.anatomy.parts.filter { !$0.isNeeded }
    return subject.anatomy.parts.filter(\.isNeeded)
      + stride(from: 0, to: unused.count, by: unusedStride).map { unused[$0] }
  }

  @Test func `says where, or holds what it held: zeroed, garbage, older, cut, whole files`() throws
  {
    let run = DamageRun()
    for subject in try Self.subjects() + Self.crashed() {
      let maker = DamageMaker(subject.anatomy, image: subject.image, older: subject.older)
      var damages = maker.ofFiles
      for part in subject.anatomy.parts {
        damages += maker.zeroed(part) + maker.older(part) + maker.truncated(part)
      }
      run.run(subject, damages)
    }
    run.finish("zeroed, garbage, older, cut, whole files")
    if DamageRun.stride == 1 {
      for result in [DamageOracle.Result.refused, .readError, .unaffected, .tornTail] {
        #expect(run.count(result) > 0, "\(result)")
      }
    }
  }

  @Test func `says where, or holds what it held: single bits`() throws {
    let run = DamageRun()
    var generator = ScriptGenerator(seed: Seed.fixed)
    for subject in try Self.subjects() {
      let maker = DamageMaker(subject.anatomy, image: subject.image)
      var damages: [Damage] = []
      for part in Self.parts(subject, unusedStride: 20) {
        let count = part.range.count
        // Every bit of what headers there can be, the end, and some in between.
        var bytes = Set(0..<min(count, part.kind == .superblock ? 232 : 76))
        for _ in 0..<24 { bytes.insert(generator.below(count)) }
        bytes.formUnion(max(0, count - 4)..<count)
        for byte in bytes.sorted() {
          let bits = part.isNeeded && byte < 44 ? Array(0..<8) : [generator.below(8)]
          damages += bits.compactMap { maker.flipped(part, byte: byte, bit: $0) }
        }
      }
      run.run(subject, damages, stride: DamageRun.stride(9))
    }
    run.finish("flipped bits")
  }

  @Test func `says where, or holds what it held: parts in the place of others`() throws {
    let run = DamageRun()
    for subject in try Self.subjects() {
      let maker = DamageMaker(subject.anatomy, image: subject.image)
      let parts = Self.parts(subject, unusedStride: 40)
      var damages: [Damage] = []
      for (index, one) in parts.enumerated() {
        for other in parts[(index + 1)...] {
          damages += [
            maker.swapped(one, other), maker.duplicated(one, over: other),
            maker.duplicated(other, over: one),
          ].compactMap { $0 }
        }
      }
      run.run(subject, damages, stride: DamageRun.stride(5))
    }
    run.finish("swapped and doubled")
  }

  @Test func `has no false findings while it is sound`() throws {
    for subject in try Self.subjects() + Self.crashed() {
      for image in subject.older + [subject.image] {
        let outcome = DamageTrial(configuration: subject.configuration).run(image)
        #expect(outcome.error == nil && outcome.report?.isClean == true, "\(subject.name)")
      }
    }
  }

  /// The story: with this seed a large value of the dropped keyspace is still in the map, is freed by
  /// the opening, and was wanted to be found damaged.
  @Test func `knows which pages an opening lets go without a look`() throws {
    let dropped = try DamageSubject(
      "killed", .everything(seed: 99_501_391), compression: .none, isClosed: false)
    #expect(dropped.abandonedPages == [22, 23])
    for subject in try Self.subjects() where subject.name == "closed" {
      #expect(subject.abandonedPages.count < subject.anatomy.pages.count / 4)
    }
  }
}
