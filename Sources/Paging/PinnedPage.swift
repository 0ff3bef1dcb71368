package import Primitives
package import RawBytes

/// A page that stays where it is in memory until this value goes, without a latch. Only pages
/// that nobody changes any more may be pinned.
package struct PinnedPage: ~Copyable {
  package let id: PageID
  package let bytes: ByteView
  private let frame: Int
  private let pager: Pager

  init(id: PageID, bytes: ByteView, frame: Int, pager: Pager) {
    self.id = id
    self.bytes = bytes
    self.frame = frame
    self.pager = pager
  }

  deinit { pager.unpin(id, frame: frame) }
}
