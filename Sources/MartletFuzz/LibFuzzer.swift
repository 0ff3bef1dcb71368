#if MARTLET_FUZZ_BUILD
  import Foundation
  import Fuzzing
  import RawBytes

  /// libFuzzer as a library: its own `main` gives way to ours, which the package manager makes the
  /// program's. C's convention and Swift's agree for these types.
  @_silgen_name("LLVMFuzzerRunDriver")
  func runDriver(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
  ) -> CInt

  /// The target under test, set once before libFuzzer begins.
  private let chosen: FuzzTarget? =
    ProcessInfo.processInfo.environment["MARTLET_FUZZ"].flatMap { FuzzTarget.named($0) }

  extension MartletFuzz {
    /// Hands the process over to libFuzzer. Returns the exit status.
    static func fuzz() -> Int32 {
      guard chosen != nil else {
        say("MARTLET_FUZZ names no target\n\n" + usage)
        return 64
      }
      var count = CommandLine.argc
      var arguments = unsafe CommandLine.unsafeArgv
      // SAFETY: the bytes are libFuzzer's for the length of the call.
      return unsafe runDriver(&count, &arguments) { bytes, byteCount in
        unsafe chosen?.run(ByteView(UnsafeRawBufferPointer(start: bytes, count: byteCount)))
        return 0
      }
    }
  }
#endif
