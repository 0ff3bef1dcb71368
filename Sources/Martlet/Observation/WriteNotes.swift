internal import ConcurrencyControl
internal import Primitives

/// What commits wrote, by moment: key by key as long as memory allows, and beyond that as marks:
/// "something in this keyspace, from this moment to that one".
///
/// - Invariant WN1: every write noted and not taken out is covered: by itself, or by a mark of its
///   keyspace, or of all keyspaces, whose moments include its own.
/// - Invariant WN2: the memory of single writes stays within the budget and a write; there are at
///   most `markLimit` marks.
struct WriteNotes {
  /// A key that a commit wrote.
  struct Write: BitwiseCopyable {
    let timestamp: Timestamp
    let name: LockName
    /// Where its bytes end; they begin where those of the one before end.
    let end: Int
  }

  /// Writes of which no more is known than this.
  struct Mark: Equatable {
    /// Nil: any.
    let keyspace: KeyspaceID?
    /// The moment of the first of them, or one before.
    var oldest: Timestamp
    /// The moment of the last of them, or one behind.
    var newest: Timestamp
  }

  static var markLimit: Int { 64 }

  private let byteBudget: Int
  private(set) var writes: [Write] = []
  private(set) var bytes: [UInt8] = []
  private(set) var marks: [Mark] = []

  init(byteBudget: Int) { self.byteBudget = byteBudget }

  var isEmpty: Bool { writes.isEmpty && marks.isEmpty }

  /// Notes that a commit wrote a key.
  mutating func add(_ timestamp: Timestamp, _ name: LockName, key: RawSpan) {
    // SAFETY: the bytes are copied before the closure returns.
    unsafe key.withUnsafeBytes { buffer in unsafe bytes.append(contentsOf: buffer) }
    writes.append(Write(timestamp: timestamp, name: name, end: bytes.count))
    if bytes.count + writes.count * MemoryLayout<Write>.stride > byteBudget { coarsen() }
  }

  /// Notes that commits of these moments wrote something in a keyspace; nil: in any.
  mutating func mark(_ keyspace: KeyspaceID?, from oldest: Timestamp, through newest: Timestamp) {
    if let index = marks.firstIndex(where: { $0.keyspace == keyspace }) {
      marks[index].oldest = min(marks[index].oldest, oldest)
      marks[index].newest = max(marks[index].newest, newest)
      return
    }
    marks.append(Mark(keyspace: keyspace, oldest: oldest, newest: newest))
    guard marks.count > Self.markLimit else { return }
    let first = marks.map(\.oldest).min() ?? oldest
    let last = marks.map(\.newest).max() ?? newest
    marks = [Mark(keyspace: nil, oldest: first, newest: last)]
  }

  mutating func removeAll() {
    writes.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    marks.removeAll()
  }

  /// Takes everything out.
  mutating func takeAll() -> WriteNotes {
    let taken = self
    self = WriteNotes(byteBudget: byteBudget)
    return taken
  }

  /// Visits single writes with the bytes of their keys.
  func forEachWrite(_ body: (Write, RawSpan) -> Void) {
    // SAFETY: bytes of bytes; the span does not outlive the array, which nobody changes here.
    let all = unsafe bytes.span.bytes
    var start = 0
    for write in writes {
      body(write, all.extracting(start..<write.end))
      start = write.end
    }
  }

  /// Gives up the single writes for marks.
  private mutating func coarsen() {
    let given = writes
    writes = []
    bytes = []
    for write in given {
      mark(write.name.keyspace, from: write.timestamp, through: write.timestamp)
    }
  }
}
