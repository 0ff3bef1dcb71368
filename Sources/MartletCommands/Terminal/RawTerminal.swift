#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A terminal whose keys come one by one, unechoed, as long as it lives; then it is as it was.
// SAFETY: the calls fill and read local values only.
struct RawTerminal: ~Copyable {
  private let descriptor: Descriptor
  private let before: termios

  /// Throws when the descriptor is no terminal.
  init(_ descriptor: Descriptor) throws {
    var settings = termios()
    let isTerminal = unsafe tcgetattr(descriptor.number, &settings) == 0
    self.descriptor = descriptor
    before = settings
    guard isTerminal else { throw ToolError("the prompt needs a terminal") }
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
    settings.c_iflag &= ~tcflag_t(IXON | ICRNL | INLCR)
    unsafe withUnsafeMutableBytes(of: &settings.c_cc) { characters in
      unsafe characters[Int(VMIN)] = 1
      unsafe characters[Int(VTIME)] = 0
    }
    guard unsafe tcsetattr(descriptor.number, TCSADRAIN, &settings) == 0 else {
      throw ToolError("the terminal cannot be set to send single keys")
    }
  }

  deinit {
    var settings = before
    _ = unsafe tcsetattr(descriptor.number, TCSADRAIN, &settings)
  }

  /// Whether bytes come within a time.
  func hasInput(within milliseconds: Int32) -> Bool {
    var request = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&request, 1, milliseconds) != 0
  }
}
