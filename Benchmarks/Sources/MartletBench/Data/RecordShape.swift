/// The shape of every record: keys of 16 bytes, values of 100, packed key first.
///
/// The sizes are those of LevelDB's `db_bench`, which the benchmarks of LMDB and RocksDB took over.
enum RecordShape {
  static let keyByteCount = 16
  static let valueByteCount = 100
  static let byteCount = keyByteCount + valueByteCount
}
