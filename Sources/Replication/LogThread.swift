internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

/// The thread that writes a node's log. While a flush is under way the writes of all groups gather
/// behind it, and the next flush takes all of them (rules P2, G5).
// SENDABLE: mutable state is in a Mutex, or belongs to the thread.
final class LogThread: @unchecked Sendable {
  private struct Orders {
    var writes: [GroupWrite] = []
    var truncations: [GroupID: Slot] = [:]
    /// Groups whose state has got past what damage took.
    var healed: [GroupID] = []
    var sleeper: WaitTicket?
    var isFinishing = false
    var thread: (any BackgroundThread)?

    var isEmpty: Bool { writes.isEmpty && truncations.isEmpty && healed.isEmpty }
  }

  private let log: NodeLog
  private let inbox: NodeInbox
  private let effects: Effects
  private let byteLimit: UInt64
  private let orders = Mutex(Orders())

  init(log: NodeLog, inbox: NodeInbox, byteLimit: UInt64, effects: Effects) {
    self.log = log
    self.inbox = inbox
    self.byteLimit = byteLimit
    self.effects = effects
  }

  func start() {
    let thread = effects.background.start("martlet node log") { [self] in run() }
    orders.withLock { $0.thread = thread }
  }

  func write(_ writes: [GroupWrite]) { order { $0.writes += writes } }

  func truncate(_ group: GroupID, through slot: Slot) {
    order { $0.truncations[group] = max($0.truncations[group] ?? .zero, slot) }
  }

  func heal(_ group: GroupID) { order { $0.healed.append(group) } }

  private func order(_ body: (inout Orders) -> Void) {
    let sleeper = orders.withLock { orders in
      body(&orders)
      return orders.sleeper.take()
    }
    if let sleeper { effects.waits.wake(sleeper) }
  }

  /// Carries out what was ordered, ends the thread and closes the log. Call once.
  func finish() {
    let (sleeper, thread) = orders.withLock { orders in
      orders.isFinishing = true
      return (orders.sleeper.take(), orders.thread.take())
    }
    if let sleeper { effects.waits.wake(sleeper) }
    thread?.join()
    log.close()
  }

  private func run() {
    while true {
      let ticket = effects.waits.makeTicket()
      let (taken, isFinishing) = orders.withLock { orders in
        let taken = (orders.writes, orders.truncations, orders.healed)
        let isEmpty = orders.isEmpty
        if isEmpty, !orders.isFinishing { orders.sleeper = ticket }
        (orders.writes, orders.truncations, orders.healed) = ([], [:], [])
        return (isEmpty ? nil : taken, orders.isFinishing)
      }
      guard let (writes, truncations, healed) = taken else {
        if isFinishing { return }
        _ = effects.waits.park(ticket, until: nil)
        continue
      }
      do throws(NodeError) {
        try carryOut(writes, truncations, healed)
      } catch {
        inbox.post(failure: error)
        return
      }
    }
  }

  private func carryOut(
    _ writes: [GroupWrite], _ truncations: [GroupID: Slot], _ healed: [GroupID]
  ) throws(NodeError) {
    if !writes.isEmpty {
      try log.write(writes)
      let overdue = log.takeOverdue(byteLimit: byteLimit)
      inbox.post(FlushedWrites(writes: writes, overdue: overdue))
    }
    if !truncations.isEmpty { try log.truncate(truncations) }
    for group in healed { try log.change(group) { $0?.unknown = nil } }
  }
}
