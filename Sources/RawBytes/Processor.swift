internal import CMartlet

/// Hints to the processor.
package enum Processor {
  /// This thread spins on something that another thread is about to change.
  package static func pause() { martlet_pause() }

  /// Asks for up to 1 KiB of memory that will be read soon.
  package static func prefetch(_ bytes: ByteView) {
    unsafe martlet_prefetch(bytes.base, bytes.count)
  }

  /// A small number, stable for the life of this thread and reused after it: a hint for spreading
  /// threads over slots.
  package static var threadHint: Int { Int(martlet_thread_hint()) }

  /// Scratch memory of this thread: at least `byteCount` bytes, until the next call on it.
  package static func threadScratch(_ byteCount: Int) -> MutableByteView {
    guard let memory = unsafe martlet_thread_scratch(byteCount) else {
      preconditionFailure("no memory for \(byteCount) bytes of scratch")
    }
    return unsafe MutableByteView(base: memory, count: byteCount)
  }
}
