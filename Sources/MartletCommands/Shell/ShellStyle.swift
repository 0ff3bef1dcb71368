internal import Synchronization

/// How the shell prints: may change while it runs.
package final class ShellStyle: Sendable {
  private let format_: Mutex<ShellFormat>
  /// Entries that a scan shows unless it says how many; nil: all.
  package let scanLimit: Int?
  /// Columns of the terminal now; nil: there is none, and nothing is cut.
  package let columns: @Sendable () -> Int?
  private let write: @Sendable ([UInt8]) throws -> Void

  package init(
    format: ShellFormat, scanLimit: Int?, columns: @escaping @Sendable () -> Int? = { nil },
    write: @escaping @Sendable ([UInt8]) throws -> Void
  ) {
    format_ = Mutex(format)
    self.scanLimit = scanLimit
    self.columns = columns
    self.write = write
  }

  package var format: ShellFormat {
    get { format_.withLock { $0 } }
    set { format_.withLock { $0 = newValue } }
  }

  /// Writes whole lines.
  func write(lines bytes: [UInt8]) throws { try write(bytes) }

  func write(line text: String) throws { try write(Array((text + "\n").utf8)) }
}
