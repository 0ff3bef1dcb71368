import CLMDB

/// LMDB, set up as its own documentation recommends for data that fits in memory.
///
/// What is set, and why (`lmdb.h` of the installed version, and the drivers of the benchmarks its
/// authors publish at lmdb.tech/bench):
/// - the map is far larger than the data ("should be chosen as large as possible");
/// - durability full is the default of `mdb_env_open`; relaxed is `MDB_NOSYNC`;
/// - ascending loads use `MDB_APPEND`;
/// - a thread keeps one read transaction and renews it for each snapshot (`mdb_txn_renew`), which
///   is cheaper than a new one;
/// - not `MDB_NOTLS`: one thread is one reader here, the case thread-local slots are made for;
/// - `MDB_NORDAHEAD`, which may help "when the DB is larger than RAM", is a variant of its own;
/// - `MDB_WRITEMAP` is a variant of its own: it writes faster and, with `MDB_NOSYNC`, leaves the
///   file exposed to a corrupting power cut and to stray writes of the application.
@safe
final class LMDBEngine: Engine, @unchecked Sendable {
  // SENDABLE: an environment and its database handle may be used by any thread (`lmdb.h`); the
  // stored properties are constants. It would be false if a session were shared between threads.
  // SAFETY: the environment lives until `close`, which the runner calls after all sessions ended.
  private let environment: OpaquePointer
  private let database: MDB_dbi

  private static let mapByteCount = 64 << 30

  init(options: EngineOptions, writeMap: Bool = false, readAhead: Bool = true) throws {
    var flags: UInt32 = 0
    if options.durability == .relaxed { flags |= UInt32(MDB_NOSYNC) }
    if writeMap { flags |= UInt32(MDB_WRITEMAP) }
    if !readAhead { flags |= UInt32(MDB_NORDAHEAD) }
    var handle: OpaquePointer?
    try unsafe LMDB.check("mdb_env_create", mdb_env_create(&handle))
    let environment = unsafe handle!
    try unsafe LMDB.check(
      "mdb_env_set_mapsize", mdb_env_set_mapsize(environment, Self.mapByteCount))
    try unsafe LMDB.check(
      "mdb_env_open", mdb_env_open(environment, options.directory, flags, 0o644))
    let transaction = try unsafe LMDB.begin(environment)
    var database: MDB_dbi = 0
    try unsafe LMDB.check("mdb_dbi_open", mdb_dbi_open(transaction, nil, 0, &database))
    try unsafe LMDB.check("mdb_txn_commit", mdb_txn_commit(transaction))
    unsafe self.environment = environment
    self.database = database
  }

  func makeSession() -> any EngineSession {
    unsafe LMDBSession(environment: environment, database: database)
  }

  func settle() throws {
    try unsafe LMDB.check("mdb_env_sync", mdb_env_sync(environment, 1))
  }

  func close() {
    unsafe mdb_env_close(environment)
  }

  func role(ofFile name: String) -> FileRole {
    name == "data.mdb" ? .data : .other
  }

  static var version: String {
    // SAFETY: `mdb_version` returns a constant string.
    unsafe String(cString: mdb_version(nil, nil, nil))
  }
}

/// Calls into LMDB that both the engine and its sessions make.
enum LMDB {
  /// - Throws: `BenchmarkError.engine` unless `code` says success.
  @inline(__always)
  static func check(_ call: StaticString, _ code: Int32) throws {
    if code != MDB_SUCCESS { throw failure(call, code) }
  }

  static func begin(_ environment: OpaquePointer, flags: Int32 = 0) throws -> OpaquePointer {
    var transaction: OpaquePointer?
    try unsafe check(
      "mdb_txn_begin", mdb_txn_begin(environment, nil, UInt32(flags), &transaction))
    return unsafe transaction!
  }

  @inline(never)
  private static func failure(_ call: StaticString, _ code: Int32) -> BenchmarkError {
    let message = unsafe String(cString: mdb_strerror(code))
    return .engine("lmdb", call: "\(call)", message: message)
  }
}
