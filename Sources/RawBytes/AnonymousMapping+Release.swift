#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

// SAFETY: the ranges lie inside the mapping, which the object keeps alive.
extension AnonymousMapping {
  /// What the system maps at once.
  package static let systemPageByteCount = Int(getpagesize())

  /// Gives the memory of a range back to the system; it reads as zeros. The part of the range
  /// that does not fill a page of the system is zeroed in place.
  package func release(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    let page = Self.systemPageByteCount
    let first = (range.lowerBound + page - 1) / page * page
    let last = range.upperBound / page * page
    guard first < last else { return bytes.zero(range) }
    bytes.zero(range.lowerBound..<first)
    bytes.zero(last..<range.upperBound)
    #if canImport(Darwin)
      let fresh = unsafe mmap(
        bytes.base + first, last - first, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANON | MAP_FIXED | MAP_NORESERVE, -1, 0)
      if unsafe fresh == MAP_FAILED { bytes.zero(first..<last) }
    #else
      if unsafe madvise(bytes.base + first, last - first, MADV_DONTNEED) != 0 {
        bytes.zero(first..<last)
      }
    #endif
  }

  /// How many bytes of a range the system has backed: all that were written, and those of the
  /// rest that were read.
  package func residentByteCount(_ range: Range<Int>) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    let page = Self.systemPageByteCount
    let first = range.lowerBound / page * page
    let count = (range.upperBound - first + page - 1) / page
    guard count > 0 else { return 0 }
    return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { states in
      guard let start = states.baseAddress else { return 0 }
      #if canImport(Darwin)
        let answered = unsafe start.withMemoryRebound(to: CChar.self, capacity: count) {
          unsafe mincore(bytes.base + first, range.upperBound - first, $0)
        }
      #else
        let answered = unsafe mincore(bytes.base + first, range.upperBound - first, start)
      #endif
      guard answered == 0 else { return 0 }
      var resident = 0
      for index in 0..<count where unsafe states[index] & 1 == 1 { resident += 1 }
      return resident * page
    }
  }
}
