internal import BTreeIndex
internal import Environment
internal import Primitives
internal import RawBytes

/// Sorts records in bounded memory: what exceeds it goes to files as sorted runs, which are merged.
///
/// Records fill a buffer; when it is full they are sorted and become a file. At the end all runs are
/// merged at once if there is a block of memory for each, else some of them first become one. Of
/// records with the same key the last one appended survives.
///
/// The files are private, so their format may change from version to version. They bear the suffix
/// of unfinished things: what a crash leaves of them the next opening removes.
///
/// Source: Knuth, The Art of Computer Programming 3, 5.4.
///
/// - Invariant ES1: runs stand in the order of appending, and every record of a run was appended
///   before every record of a later one.
/// - Invariant ES2: within a run keys ascend strictly.
/// - Invariant ES3: a file exists as long as its run.
final class ExternalSorter {
  private let effects: Effects
  private let directory: String
  private let watch: BuildWatch
  private let byteBudget: Int
  private var buffer: SortBuffer
  private var runs: [SortedRun] = []
  private var appended = (recordCount: 0, byteCount: 0)
  private let token: UInt64
  private var fileNumber = 0
  /// Large values of records that later ones replaced.
  private(set) var replaced: [OverflowReference] = []

  init(engine: Engine, byteBudget: Int, watch: BuildWatch) {
    effects = engine.effects
    directory = engine.directory
    self.watch = watch
    self.byteBudget = byteBudget
    buffer = SortBuffer(byteBudget: byteBudget)
    token = engine.effects.entropy.next()
  }

  func append(_ key: ByteView, flags: EntryFlags, _ value: ByteView) throws {
    if !buffer.hasRoom(for: key, value) { try spill() }
    buffer.append(key, flags: flags, value)
    appended.recordCount += 1
    appended.byteCount += key.count + value.count
  }

  /// Calls a closure with each record in order of keys, each key once. Ends the sorter.
  func forEachSorted(_ body: (SortRecord) throws -> Void) throws {
    if runs.isEmpty {
      sortBuffer()
      for index in 0..<buffer.count { try body(buffer.record(index)) }
      return
    }
    try spill()
    buffer = SortBuffer(byteBudget: 0)
    // ES1: the first runs become one, and that is the first.
    let fanIn = max(2, min(256, byteBudget / SortedRun.blockByteCount - 1))
    while runs.count > fanIn {
      let count = min(fanIn, runs.count - fanIn + 1)
      let merged = try merge(Array(runs.prefix(count)))
      runs.removeFirst(count)
      runs.insert(merged, at: 0)
    }
    var merger = try RunMerger(runs)
    try merger.forEach(replacing: { note($0) }, body)
    runs.removeAll()
  }

  // MARK: Runs

  private func sortBuffer() { buffer.sort { note($0) } }

  private func spill() throws {
    guard buffer.count > 0 else { return }
    sortBuffer()
    let writer = try makeWriter()
    for index in 0..<buffer.count { try writer.append(buffer.record(index)) }
    runs.append(try writer.finish())
    buffer.removeAll()
    try watch.look(
      .sorting, recordCount: appended.recordCount, byteCount: appended.byteCount)
  }

  private func merge(_ sources: [SortedRun]) throws -> SortedRun {
    let writer = try makeWriter()
    var done = (recordCount: 0, byteCount: 0)
    var nextLook = BuildWatch.interval
    var merger = try RunMerger(sources)
    try merger.forEach(replacing: { note($0) }) { record in
      try writer.append(record)
      done.recordCount += 1
      done.byteCount += record.key.count + record.value.count
      guard done.byteCount >= nextLook else { return }
      nextLook = done.byteCount + BuildWatch.interval
      try watch.look(.merging, recordCount: done.recordCount, byteCount: done.byteCount)
    }
    return try writer.finish()
  }

  private func makeWriter() throws(DatabaseError) -> RunWriter {
    fileNumber += 1
    let name = "sort-" + String(token, radix: 16) + "-\(fileNumber)"
    return try RunWriter(
      path: directory + "/" + name + DatabaseFile.unfinishedSuffix, effects: effects)
  }

  /// A record that a later one replaces.
  private func note(_ record: SortRecord) {
    guard record.flags.contains(.overflow),
      let reference = OverflowReference(decoding: record.content)
    else { return }
    replaced.append(reference)
  }

  static func damage(_ expected: String) -> CorruptionError {
    CorruptionError(
      location: "a sorted run of a bulk build", expected: expected, found: "other bytes")
  }
}

/// A record between its arrival and its leaf. Its bytes are somebody else's, for the length of a
/// call.
struct SortRecord: BitwiseCopyable {
  let key: ByteView
  let flags: EntryFlags
  /// As it stands in a leaf: with its expiry behind it, if it has one.
  let value: ByteView

  /// When it expires; zero when it does not.
  var expiry: UInt64 { ExpiryField.moment(in: value, flags: flags) }

  /// The value without its expiry.
  var content: ByteView {
    expiry == 0 ? value : value.prefix(value.count - ExpiryField.byteCount)
  }

  /// Key length 2, value length 2, flags 1: no key and no inline value is longer than a quarter of
  /// the largest page.
  static let headerByteCount = 5

  var byteCount: Int { Self.headerByteCount + key.count + value.count }

  func encode(into bytes: MutableByteView) {
    bytes.store(UInt16(key.count), at: 0)
    bytes.store(UInt16(value.count), at: 2)
    bytes[4] = flags.rawValue
    bytes.copy(key, at: Self.headerByteCount)
    bytes.copy(value, at: Self.headerByteCount + key.count)
  }

  init(key: ByteView, flags: EntryFlags, value: ByteView) {
    self.key = key
    self.flags = flags
    self.value = value
  }

  /// The record at the beginning of some bytes; nil when they hold none.
  init?(decoding bytes: ByteView) {
    guard bytes.count >= Self.headerByteCount else { return nil }
    let valueAt = Self.headerByteCount + Int(bytes.load(UInt16.self, at: 0))
    let end = valueAt + Int(bytes.load(UInt16.self, at: 2))
    guard end <= bytes.count else { return nil }
    key = bytes[Self.headerByteCount..<valueAt]
    flags = EntryFlags(rawValue: bytes[4])
    value = bytes[valueAt..<end]
  }
}

extension ByteView {
  /// The first eight bytes as a number, padded with zeros: its order is that of keys, up to ties.
  var longHead: UInt64 {
    if count >= 8 { return load(UInt64.self, at: 0).byteSwapped }
    var head: UInt64 = 0
    for index in 0..<count { head |= UInt64(self[index]) << UInt64(56 - 8 * index) }
    return head
  }
}
