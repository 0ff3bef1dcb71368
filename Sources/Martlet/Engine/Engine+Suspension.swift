internal import Environment
internal import Primitives
internal import RawBytes
internal import RedoLog
internal import VersionStore

// Suspension: an app that the system may stop at any moment has to hold no lock on a file by then, and
// to leave nothing half done.
//
// ```text
//  nothing begins ─► what runs ends ─► what still runs is interrupted ─► pipeline sealed
//        ─► log durable ─► checkpoint, maintenance, page writes, log preparation held ─► lock let go
// ```
//
// Everything in memory stays: pages, handles, observers. `resume` takes the lock, makes sure that
// nobody else was there, and lets everything go on.
extension Engine {
  /// The last part of the time is for those who have to be interrupted, and for the log.
  private static let reservedPart: UInt64 = 4

  func suspend(within time: UInt64) throws(DatabaseError) {
    guard life.move(from: .open, to: .suspending) else {
      // Somebody else is at it: who returns may rely on it as well.
      while life.stage == .suspending { nap() }
      switch life.stage {
      case .suspended, .suspending: return
      default: throw life.refusal
      }
    }
    let now = effects.time.monotonic()
    let deadline = now.addingReportingOverflow(time).overflow ? .max : now + time
    _ = running.close()
    awaitEnd(until: deadline - min(time / Self.reservedPart, deadline - now))
    if !running.isEmpty {
      interrupt()
      awaitEnd(until: deadline)
    }
    if !running.isEmpty {
      effects.events.report(
        Event(
          .warning,
          "a transaction did not end before the database was suspended: it is in its own code and "
            + "will be rolled back"))
    }
    // A build writes pages of its own; it looks up after every megabyte.
    while !builds.isEmpty { nap() }
    pipeline.seal()
    var failure: DatabaseError?
    if !pipeline.isPoisoned, !store.isPoisoned {
      do { try pipeline.makeDurable(through: log.endPosition) } catch { failure = error }
    }
    checkpointer.hold()
    store.hold()
    log.hold()
    life.fingerprint = try? DirectoryFingerprint(
      of: directory, tail: log.tailPlace, files: effects.files)
    life.unlock()
    _ = life.move(from: .suspending, to: .suspended)
    if let failure { throw failure }
  }

  func resume() throws(DatabaseError) {
    while life.stage == .suspending { nap() }
    guard life.stage == .suspended else {
      if life.stage == .open { return }
      throw life.refusal
    }
    try takeDirectory()
    letGoOn()
    _ = life.move(from: .suspended, to: .open)
    running.reopen()
    if store.expiries.isInUse { sweeper.note(0) }
  }

  /// Takes the lock again and holds the files against what they were.
  private func takeDirectory() throws(DatabaseError) {
    let lock: (any FileLock)?
    let found: DirectoryFingerprint
    do {
      lock = try effects.files.lock(directory + "/" + DatabaseFile.lock)
      guard let lock else {
        throw DatabaseError(
          .alreadyOpen, "\(directory) was opened by somebody else while it was suspended")
      }
      do {
        found = try DirectoryFingerprint(
          of: directory, tail: log.tailPlace, files: effects.files)
      } catch {
        lock.unlock()
        throw error
      }
    } catch let error as FileError {
      throw DatabaseError(error)
    } catch let error as DatabaseError {
      throw error
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
    guard let lock else { return }
    guard found == life.fingerprint else {
      lock.unlock()
      // What is in memory is not what is on the device: nothing may be written any more.
      pipeline.poison()
      store.poison()
      log.poison()
      _ = life.move(from: .suspended, to: .lost)
      throw .changedWhileSuspended
    }
    life.hold(lock)
  }

  private func letGoOn() {
    log.release()
    store.release()
    checkpointer.release()
    pipeline.unseal()
    endInterruption()
  }

  /// Begins the end, once: takes the directory first if the database is suspended. What cannot take it
  /// ends without writing.
  func beginClosing() -> Bool {
    while life.stage == .suspending { nap() }
    guard let stage = life.close() else { return false }
    switch stage {
    case .open: _ = running.close()
    case .suspended, .suspending, .lost:
      if stage == .lost || (try? takeDirectory()) == nil {
        pipeline.poison()
        store.poison()
        log.poison()
      }
      letGoOn()
    case .closed: return false
    }
    return true
  }

  // MARK: Waiting

  private func awaitEnd(until deadline: UInt64) {
    while !running.isEmpty, effects.time.monotonic() < deadline { nap() }
  }

  private func nap() {
    _ = effects.waits.park(effects.waits.makeTicket(), until: effects.time.monotonic() + 500_000)
  }
}
