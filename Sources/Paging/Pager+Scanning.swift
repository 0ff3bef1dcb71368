internal import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

/// Reading ahead of long scans, and keeping them from putting out what others use.
///
/// - Invariant SC1: nothing here is needed for a right answer: a scan that leaves it out reads the
///   same pages one after another.
extension Pager {
  /// Brings in a page that a long scan is about to read.
  ///
  /// - Returns: whether nobody but scans used it lately: then the scan calls `cool` when it has
  ///   read it.
  /// - Throws: `.file`, `.diskFull`, `.cacheExhausted`, `.poisoned`. A page that is not there, or
  ///   is damaged, is left for the read to find.
  package func enter(
    _ id: PageID, _ window: inout ScanWindow
  ) throws(PagingError) -> Bool {
    guard let state = unsafe table.word(id.rawValue) ?? (try? makeState(id)) else { return false }
    while true {
      let word = PageWord(unsafe state.pointee.load(ordering: .acquiring))
      if word.isResident { return word.isCooling }
      if word.isExclusive { return false }
      do {
        let frame = try takeFrame(from: &window)
        if unsafe try fill(frame, id, state, word, asCold: true) { window.append(id) }
      } catch .corrupt {
        return false
      }
    }
  }

  /// Marks a page again as one that only scans use: reading it has cleared the mark.
  package func cool(_ id: PageID) {
    guard let state = unsafe table.word(id.rawValue) else { return }
    let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
    guard word.isReadable else { return }
    _ = unsafe state.pointee.compareExchange(
      expected: word.rawValue, desired: word.cooled.rawValue, ordering: .relaxed)
  }

  /// A free frame while there are many, else that of the scan's oldest page.
  private func takeFrame(from window: inout ScanWindow) throws(PagingError) -> UInt32 {
    if var chain = frames.tryTake(1, keeping: scarceFrameCount) { return frames.pop(from: &chain)! }
    while let id = window.takeOldest() {
      guard let state = unsafe table.word(id) else { continue }
      let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
      guard word.isResident, word.isCooling else { continue }
      if case .evicted = judge(word.frame) { return UInt32(word.frame) }
    }
    var chain = try takeFrames(1)
    return frames.pop(from: &chain)!
  }

  /// With fewer free frames a scan takes none of them.
  private var scarceFrameCount: Int { max(16, frames.count / 16) }

  /// Tells the system which images will be read soon; those of neighbours in the file at once.
  ///
  /// - Returns: how many of the pages are not in memory.
  package func readAhead(_ ids: ArraySlice<PageID>) -> Int {
    let absent = ids.filter { id in
      guard let state = unsafe table.word(id.rawValue) else { return true }
      return !PageWord(unsafe state.pointee.load(ordering: .relaxed)).isResident
    }
    if absent.isEmpty { return 0 }
    let places = ledger.withLock { ledger in
      absent.compactMap { id -> Place? in
        let entry = ledger.entry(of: id.rawValue)
        return entry.isAbsent ? nil : entry.place
      }
    }
    var run = 0..<UInt64(0)
    for place in places {
      let bytes = place.byteOffset..<place.byteOffset + UInt64(place.byteCount)
      if bytes.lowerBound == run.upperBound {
        run = run.lowerBound..<bytes.upperBound
      } else if bytes.upperBound == run.lowerBound {
        run = bytes.lowerBound..<run.upperBound
      } else {
        file.willRead(run)
        run = bytes
      }
    }
    file.willRead(run)
    counters.readAheads.add(places.count)
    return absent.count
  }
}
