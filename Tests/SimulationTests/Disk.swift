import Environment
import RawBytes
import Simulation

/// Short forms for tests of the simulated disk.
extension File {
  func read(_ count: Int, at offset: UInt64) throws -> [UInt8] {
    let memory = AlignedMemory(byteCount: count)
    let read = try read(into: memory.bytes, at: offset)
    return memory.bytes[0..<read].view.array
  }

  func write(_ bytes: [UInt8], at offset: UInt64) throws {
    let memory = AlignedMemory(byteCount: bytes.count)
    bytes.withByteView { memory.bytes.copy($0) }
    try write(memory.bytes.view, at: offset)
  }
}

extension SimulatedDisk {
  /// A new file, with a durable name.
  func makeFile(
    _ path: String, synchronous: Bool = false, direct: Bool = false
  ) throws -> any File {
    let mode = FileMode(creation: .always, isDataSynchronous: synchronous, isDirect: direct)
    let file = try open(path, mode)
    try syncDirectory("/")
    return file
  }
}

func sectors(_ count: Int, of byte: UInt8) -> [UInt8] {
  [UInt8](repeating: byte, count: count * 512)
}

/// The number of the error that a call throws; nil when it throws none.
func number(_ body: () throws -> Void) -> Int32? {
  do { try body() } catch let error as FileError { return error.number } catch { return -1 }
  return nil
}
