import Paging
import Primitives
import RawBytes
import Testing
import VersionStore

@Suite struct KeyspaceTests {
  private func fill(_ fixture: StoreFixture, _ id: KeyspaceID, _ count: Int) throws {
    try fixture.commit(
      (0..<count).map {
        Change(id, Array("key \($0)".utf8), [UInt8](repeating: 7, count: $0 % 50 == 0 ? 5000 : 60))
      })
  }

  @Test func `names, states and ids follow the catalog, across an open`() throws {
    let fixture = try StoreFixture()
    let first = try fixture.createKeyspace("first")
    let second = try fixture.createKeyspace("second")
    #expect(fixture.store.keyspace(named: "first")?.id == first)
    #expect(fixture.store.keyspace(named: "third") == nil)
    #expect(fixture.store.keyspaces.map(\.id) == [first, second])
    try fixture.checkpoint()
    let third = try fixture.createKeyspace("third")
    try fixture.reopen()
    #expect(fixture.store.keyspaces.map(\.name) == ["first", "second", "third"])
    #expect(fixture.store.nextKeyspaceID() > third)
    #expect(fixture.store.keyspace(second)?.state == .live)
    #expect(try fixture.findings().isEmpty)
    fixture.store.close()
  }

  @Test func `a dropped keyspace is there for whoever saw it, and gone afterwards`() throws {
    let fixture = try StoreFixture()
    let id = try fixture.createKeyspace("a")
    try fill(fixture, id, 1000)
    let pageCount = fixture.store.statistics.paging.mappedPageCount
    let reader = fixture.store.beginSnapshot(.acknowledged)
    let droppedAt = try fixture.dropKeyspace(id, name: "a")
    fixture.settle()
    #expect(fixture.store.keyspace(named: "a") == nil)
    #expect(fixture.store.keyspace(id)?.droppedAt == droppedAt)
    #expect(try fixture.scan(id, at: reader).count == 1000)
    let later = fixture.store.beginSnapshot(.acknowledged)
    #expect(throws: StoreError.unknownKeyspace(id)) { try fixture.scan(id, at: later) }
    fixture.store.endSnapshot(later)
    fixture.store.endSnapshot(reader)
    fixture.settle()
    #expect(fixture.store.keyspace(id) == nil)
    #expect(try fixture.findings().isEmpty)
    #expect(fixture.store.statistics.paging.mappedPageCount < pageCount)
    let again = try fixture.createKeyspace("a")
    #expect(again > id, "ids are never reused")
    fixture.store.close()
  }

  @Test func `a drop that a checkpoint cut in half goes on after opening`() throws {
    for rounds in 0..<6 {
      let fixture = try StoreFixture()
      let id = try fixture.createKeyspace("a")
      let other = try fixture.createKeyspace("b")
      try fill(fixture, id, 3000)
      try fill(fixture, other, 100)
      let reader = fixture.store.beginSnapshot(.acknowledged)
      try fixture.dropKeyspace(id, name: "a")
      fixture.store.endSnapshot(reader)
      for _ in 0..<rounds { _ = fixture.store.maintenance() }
      try fixture.checkpoint()
      try fixture.reopen()
      fixture.settle()
      #expect(fixture.store.keyspaces.map(\.id) == [other])
      #expect(try fixture.findings().isEmpty)
      // A second checkpoint and open find nothing left to do.
      try fixture.checkpoint()
      try fixture.reopen()
      #expect(fixture.store.keyspaces.map(\.id) == [other])
      #expect(try fixture.findings().isEmpty)
      let now = fixture.store.beginSnapshot(.acknowledged)
      #expect(try fixture.scan(other, at: now).count == 100)
      fixture.store.endSnapshot(now)
      fixture.store.close()
    }
  }

  @Test func `replaying what is in already changes nothing`() throws {
    let fixture = try StoreFixture()
    let id = try fixture.createKeyspace("a")
    try fill(fixture, id, 200)
    try fixture.commit([Change(id, Array("key 3".utf8), nil)])
    try fixture.checkpoint()
    try fixture.reopen()
    let before = fixture.store.beginSnapshot(.acknowledged)
    let contents = try fixture.scan(id, at: before)
    fixture.store.endSnapshot(before)
    for commit in fixture.log { try fixture.replay(commit) }
    fixture.settle()
    let after = fixture.store.beginSnapshot(.acknowledged)
    let replayed = try fixture.scan(id, at: after)
    #expect(replayed.map(\.key) == contents.map(\.key), "R1")
    #expect(replayed.map(\.value) == contents.map(\.value), "R1")
    fixture.store.endSnapshot(after)
    #expect(try fixture.findings().isEmpty)
    fixture.store.close()
  }
}
