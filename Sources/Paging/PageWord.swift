/// The state of one page id in 64 bits: where the page is, who holds it, and how often it changed.
///
/// ```text
///  63            34 33          10  9        8         7       6      0
/// ┌────────────────┬──────────────┬────────┬─────────┬───────┬────────┐
/// │    version     │    frame     │resident│exclusive│cooling│ shared │
/// └────────────────┴──────────────┴────────┴─────────┴───────┴────────┘
///
///   absent ──latch──► loading ──────────────► resident ◄──────► shared (1...127)
///     ▲                  │ failed               │    ▲
///     └──────────────────┘                 latch│    │unlatch
///     ▲                                         ▼    │
///     └───────────evict, free──────────────── exclusive
/// ```
///
/// - Invariant PW1: the version rises at every exclusive unlatch, and at nothing else; it goes on
///   rising through eviction and through reuse of the page id.
/// - Invariant PW2: while `isExclusive`, only the holder changes the word, and `sharedCount` is 0.
/// - Invariant PW3: `frame` means something only while `isResident`.
/// - Invariant PW4: two words agree above bit 7 exactly when the page's bytes did not change
///   between them (a wrap after 2^30 changes within one read apart).
@frozen
@usableFromInline
package struct PageWord: Equatable, BitwiseCopyable, Sendable {
  @usableFromInline package var rawValue: UInt64

  @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable static var sharedMask: UInt64 { 0x7F }
  @inlinable static var coolingBit: UInt64 { 1 << 7 }
  @inlinable static var exclusiveBit: UInt64 { 1 << 8 }
  @inlinable static var residentBit: UInt64 { 1 << 9 }
  @inlinable static var frameShift: UInt64 { 10 }
  @inlinable static var frameMask: UInt64 { 0xFF_FFFF << 10 }
  @inlinable static var versionStep: UInt64 { 1 << 34 }

  /// More shared holders than this wait.
  package static var maximumSharedCount: Int { 127 }
  /// The most frames a word can name.
  package static var maximumFrameCount: Int { 1 << 24 }

  @inlinable package var sharedCount: Int { Int(rawValue & Self.sharedMask) }
  @inlinable package var isCooling: Bool { rawValue & Self.coolingBit != 0 }
  @inlinable package var isExclusive: Bool { rawValue & Self.exclusiveBit != 0 }
  @inlinable package var isResident: Bool { rawValue & Self.residentBit != 0 }

  @inlinable package var frame: Int {
    Int(truncatingIfNeeded: (rawValue & Self.frameMask) &>> Self.frameShift)
  }

  @inlinable package var version: UInt64 { rawValue &>> 34 }

  /// Resident, not exclusive, not cooling: an optimistic read may begin without further ado.
  @inlinable package var isHot: Bool {
    rawValue & (Self.residentBit | Self.exclusiveBit | Self.coolingBit) == Self.residentBit
  }

  /// Resident and not exclusive: an optimistic read may begin.
  @inlinable package var isReadable: Bool {
    rawValue & (Self.residentBit | Self.exclusiveBit) == Self.residentBit
  }

  /// Whether the page's bytes are the same at both words (PW4).
  @inlinable package func agrees(with other: PageWord) -> Bool {
    (rawValue ^ other.rawValue) &>> 8 == 0
  }

  // Transitions. Each says from which state it may be taken.

  /// From not exclusive and not shared: held by one thread. Touching a page warms it.
  @inlinable package var latched: PageWord {
    PageWord((rawValue | Self.exclusiveBit) & ~Self.coolingBit)
  }

  /// From exclusive: let go, the version raised.
  @inlinable package var unlatched: PageWord {
    PageWord((rawValue & ~Self.exclusiveBit) &+ Self.versionStep)
  }

  /// From exclusive: lies in a frame now, still exclusive.
  @inlinable package func placed(inFrame frame: Int) -> PageWord {
    PageWord(
      (rawValue & ~Self.frameMask) | UInt64(truncatingIfNeeded: frame) &<< Self.frameShift
        | Self.residentBit)
  }

  /// From exclusive: lies in no frame, let go, the version raised.
  @inlinable package var evicted: PageWord {
    PageWord(
      (rawValue & ~(Self.frameMask | Self.residentBit | Self.coolingBit | Self.exclusiveBit))
        &+ Self.versionStep)
  }

  /// From readable with room: one more shared holder.
  @inlinable package var sharedOnce: PageWord { PageWord(rawValue &+ 1) }

  @inlinable package var cooled: PageWord { PageWord(rawValue | Self.coolingBit) }

  @inlinable package var warmed: PageWord { PageWord(rawValue & ~Self.coolingBit) }
}
