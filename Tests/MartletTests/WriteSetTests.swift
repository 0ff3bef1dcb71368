import Martlet
import Primitives
import RawBytes
import Seeds
import Testing
import VersionStore

@Suite struct `A write set` {
  private struct Key: Hashable, Comparable {
    var keyspace: UInt32
    var bytes: [UInt8]

    static func < (left: Key, right: Key) -> Bool {
      left.keyspace == right.keyspace
        ? left.bytes.lexicographicallyPrecedes(right.bytes) : left.keyspace < right.keyspace
    }
  }

  private func fingerprint(_ key: Key) -> UInt64 {
    key.bytes.withByteView { Hash64.hash($0, seed: UInt64(key.keyspace)) }
  }

  private func decode(_ batch: WriteBatch) -> [(Key, [UInt8]?)] {
    var result: [(Key, [UInt8]?)] = []
    var entries = batch.makeIterator()
    while let entry = entries.next() {
      let key = Key(keyspace: entry.keyspace.rawValue, bytes: entry.key.array)
      result.append((key, entry.operation == .set ? entry.value.array : nil))
    }
    return result
  }

  @Test
  func
    `gives each key once, ascending, with its last write, also after rolling back (WS1, WS2, WS4)`()
  {
    let seed = Seed.take()
    print("seed \(seed)")
    var random = SplitMix(seed)
    for round in 0..<200 {
      var set = WriteSet()
      var model: [Key: [UInt8]?] = [:]
      let isAscending = round % 4 == 0
      var marks: [(WriteSet.Mark, [Key: [UInt8]?])] = []
      // Half of them few, so that the change from searching to hashing comes before and after marks.
      for step in 0..<(1 + Int(random.next() % (round % 2 == 0 ? 300 : 24))) {
        switch random.next() % 16 {
        case 0: marks.append((set.mark, model))
        case 1:
          if marks.isEmpty { break }
          let index = Int(random.next() % UInt64(marks.count))
          set.rollBack(to: marks[index].0)
          model = marks[index].1
          marks.removeSubrange((index + 1)...)
        default: break
        }
        let number = isAscending ? UInt64(step) : random.next() % (round % 2 == 0 ? 97 : 7)
        let key = Key(
          keyspace: isAscending ? 1 : UInt32(1 + random.next() % 3),
          bytes: [UInt8(number / 256), UInt8(number % 256)])
        let value: [UInt8]? =
          random.next() % 5 == 0 ? nil : Array(repeating: UInt8(step % 256), count: step % 40)
        key.bytes.withByteView { view in
          if let value {
            value.withByteView {
              set.set(view, to: $0, in: KeyspaceID(key.keyspace), fingerprint(key))
            }
          } else {
            set.remove(view, in: KeyspaceID(key.keyspace), fingerprint(key))
          }
        }
        model[key] = .some(value)
      }
      for number in 0..<100 {
        let key = Key(keyspace: 1, bytes: [0, UInt8(number)])
        let found = key.bytes.withByteView {
          set.newest(of: $0, in: KeyspaceID(1), fingerprint(key)).map { write -> [UInt8]? in
            if case .set(let view) = write { view.array } else { nil }
          }
        }
        #expect(found == model[key])
      }
      let sealed = decode(set.seal())
      let expected = model.sorted { $0.key < $1.key }
      #expect(sealed.map(\.0) == expected.map(\.key))
      #expect(sealed.map(\.1) == expected.map(\.value))
      let keyspaces = Set(set.keyspaces.map(\.rawValue))
      #expect(keyspaces == Set(model.keys.map(\.keyspace)))
    }
  }

  @Test func `shows a scan its writes within bounds`() {
    var set = WriteSet()
    for (index, name) in ["d", "b", "a", "c", "b"].enumerated() {
      let key = Key(keyspace: 1, bytes: Array(name.utf8))
      key.bytes.withByteView { view in
        [UInt8(index)].withByteView { set.set(view, to: $0, in: KeyspaceID(1), fingerprint(key)) }
      }
    }
    let names = Array("b".utf8).withByteView { lower in
      Array("d".utf8).withByteView { upper in
        set.sortedIndices(in: KeyspaceID(1), from: lower, to: upper).map { index in
          (set.key(at: index).array, set.write(at: index))
        }
      }
    }
    #expect(names.map(\.0) == [Array("b".utf8), Array("c".utf8)])
    guard case .set(let value) = names[0].1 else { Issue.record("not a value"); return }
    #expect(value.array == [4], "the last write of b")
  }

  @Test func `keeps nothing after it was emptied`() {
    var set = WriteSet()
    let key = Key(keyspace: 7, bytes: [1])
    key.bytes.withByteView { set.remove($0, in: KeyspaceID(7), fingerprint(key)) }
    let before = set.isEmpty
    #expect(!before)
    set.removeAll()
    let isEmpty = set.isEmpty && set.keyspaces.isEmpty
    #expect(isEmpty)
    let count = set.seal().entryCount
    #expect(count == 0)
  }
}
