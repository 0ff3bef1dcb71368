#if MARTLET_SHARED_LATCHES
  internal import RawBytes

  /// Under the thread sanitizer every mutex is one that it can see: the slow path of the standard
  /// library's is the kernel's, and whoever took it there would seem to hold nothing.
  typealias Mutex<Value: ~Copyable> = ShortMutex<Value>
#endif
