import ConcurrencyControl
import Martlet
import Primitives
import RawBytes
import Seeds
import Testing
import VersionStore

/// The ledger under random events, with memory for everything and with hardly any, against a list of
/// all commits.
@Suite struct `The ledger` {
  private struct Written {
    let timestamp: UInt64
    let keyspace: UInt32
    let key: UInt8
  }

  private enum Model {
    case idle
    case reading(since: UInt64)
    case armed(Interest, at: UInt64)
  }

  @Test(arguments: [1 << 20, 200])
  func `tells every observer whose reads were written and acknowledged`(_ budget: Int) {
    let seed = Seed.take(for: "ledger with \(budget) bytes")
    var random = SplitMix(seed)
    var toldCount = 0
    for _ in 0..<60 {
      var ledger = ObservationLedger(byteBudget: budget)
      var models: [ObserverID: Model] = [:]
      var written: [Written] = []
      var (last, acknowledged): (UInt64, UInt64) = (1, 1)
      for _ in 0..<300 {
        switch random.below(8) {
        case 0 where models.count < 6:
          let id = ledger.admit()
          ledger.setUnseen(through: Timestamp(last), for: id)
          models[id] = .idle
        case 1 where random.below(4) == 0:
          if let id = models.keys.sorted().randomElement(using: &random) {
            ledger.remove(id)
            models[id] = nil
          }
        case 2, 3:
          last += 1
          var builder = WriteBatchBuilder()
          var keys: Set<Int> = []
          for _ in 0...random.below(5) { keys.insert(random.below(48)) }
          for number in keys.sorted() {
            let (keyspace, key) = (UInt32(1 + number / 16), UInt8(number % 16))
            [key].withByteView { builder.set($0, to: $0, in: KeyspaceID(keyspace)) }
            written.append(Written(timestamp: last, keyspace: keyspace, key: key))
          }
          // Unobserved, commits are not noted.
          if ledger.isObserved { ledger.note(builder.finish(), at: Timestamp(last), dropping: nil) }
        case 4 where acknowledged < last:
          acknowledged += UInt64(1 + random.below(Int(last - acknowledged)))
          let told = Set(ledger.advance(through: Timestamp(acknowledged)))
          toldCount += told.count
          for (id, model) in models {
            guard case .armed(let interest, let moment) = model else { continue }
            let hasChanged = Self.hasChanged(interest, moment, acknowledged, written)
            #expect(
              told.contains(id) || !hasChanged, "seed \(seed): \(id) was not told")
            if told.contains(id) { models[id] = .idle }
          }
        default:
          guard let id = models.keys.sorted().randomElement(using: &random),
            let model = models[id]
          else { continue }
          guard case .reading(let begun) = model else {
            ledger.begin(id)
            models[id] = .reading(since: acknowledged)
            continue
          }
          let moment = begun + UInt64(random.below(Int(acknowledged - begun) + 1))
          let interest = Self.interest(&random)
          let isCurrent = ledger.finish(id, interest, at: Timestamp(moment))
          let compared = ledger.comparedThrough.rawValue
          #expect(
            !isCurrent || !Self.hasChanged(interest, moment, compared, written),
            "seed \(seed): a changed read counts as current")
          models[id] = isCurrent ? .armed(interest, at: moment) : .idle
        }
      }
    }
    #expect(toldCount > 0)
  }

  private static func interest(_ random: inout SplitMix) -> Interest {
    var names: [LockName] = []
    var intervals: [KeyInterval] = []
    for _ in 0...random.below(3) {
      let keyspace = KeyspaceID(UInt32(1 + random.below(3)))
      let key = UInt8(random.below(16))
      if random.below(2) == 0 {
        [key].withByteView {
          names.append(
            LockName(
              keyspace: keyspace, fingerprint: Hash64.hash($0, seed: UInt64(keyspace.rawValue))))
        }
      } else {
        let upper: [UInt8]? = random.below(6) == 0 ? nil : [key + UInt8(random.below(5))]
        intervals.append(KeyInterval(keyspace: keyspace, lower: [key], upper: upper))
      }
    }
    return Interest(names: names, intervals: intervals)
  }

  private static func hasChanged(
    _ interest: Interest, _ moment: UInt64, _ acknowledged: UInt64, _ written: [Written]
  ) -> Bool {
    written.contains { write in
      guard write.timestamp > moment, write.timestamp <= acknowledged else { return false }
      let keyspace = KeyspaceID(write.keyspace)
      let key = [write.key]
      let fingerprint = key.withByteView { Hash64.hash($0, seed: UInt64(write.keyspace)) }
      let bytes = unsafe key.span.bytes
      return interest.names.contains(LockName(keyspace: keyspace, fingerprint: fingerprint))
        || interest.intervals.contains {
          $0.keyspace == keyspace && $0.contains(bytes)
        }
    }
  }

  @Test func `is exact while memory lasts`() {
    var ledger = ObservationLedger()
    let id = ledger.admit()
    ledger.setUnseen(through: Timestamp(1), for: id)
    _ = ledger.advance(through: Timestamp(1))
    ledger.begin(id)
    let interest = Interest(
      intervals: [KeyInterval(keyspace: KeyspaceID(1), lower: [4], upper: [8])])
    let isCurrent = ledger.finish(id, interest, at: Timestamp(1))
    #expect(isCurrent)
    for (moment, key) in [(UInt64(2), UInt8(3)), (3, 8), (4, 200)] {
      Self.note(key, at: moment, in: &ledger)
      #expect(ledger.isAwaiting)
      let told = ledger.advance(through: Timestamp(moment))
      #expect(told.isEmpty)
    }
    Self.note(7, at: 5, in: &ledger)
    let told = ledger.advance(through: Timestamp(5))
    #expect(told == [id])
    #expect(!ledger.isAwaiting)
  }

  @Test func `knows whole keyspaces when memory is short, and no others`() {
    var ledger = ObservationLedger(byteBudget: 100)
    let (near, far) = (ledger.admit(), ledger.admit())
    ledger.setUnseen(through: .zero, for: near)
    for (id, keyspace) in [(near, UInt32(1)), (far, 2)] {
      ledger.begin(id)
      let interest = Interest(
        intervals: [KeyInterval(keyspace: KeyspaceID(keyspace), lower: [4], upper: [8])])
      let isCurrent = ledger.finish(id, interest, at: .zero)
      #expect(isCurrent)
    }
    for moment in UInt64(1)...50 { Self.note(100, at: moment, in: &ledger) }
    let told = ledger.advance(through: Timestamp(50))
    #expect(told == [near])
  }

  private static func note(_ key: UInt8, at moment: UInt64, in ledger: inout ObservationLedger) {
    var builder = WriteBatchBuilder()
    [key].withByteView { builder.set($0, to: $0, in: KeyspaceID(1)) }
    ledger.note(builder.finish(), at: Timestamp(moment), dropping: nil)
  }
}
