package import Environment

/// The real world, and the one where files live in memory.
extension Effects {
  /// Files, clocks, chance and threads of the operating system.
  ///
  /// - Parameter protectionClass: of files that are made, on Apple systems; zero: the system's default.
  package static func system(
    events: any EventSink = DiscardedEvents(), protectionClass: Int32 = 0
  ) -> Effects {
    onSystem(files: SystemFileSystem(protectionClass: protectionClass), events: events)
  }

  /// Files in memory, gone with the value; clocks, chance and threads of the operating system.
  /// For databases that are not to be kept: every call works, and nothing is ever durable.
  package static func memory(events: any EventSink = DiscardedEvents()) -> Effects {
    onSystem(files: MemoryFileSystem(), events: events)
  }

  private static func onSystem(files: any FileSystem, events: any EventSink) -> Effects {
    let time = SystemTime()
    return Effects(
      files: files, time: time, entropy: SystemEntropy(), waits: SystemWaits(time: time),
      background: SystemBackgroundWork(), events: events)
  }
}
