import Consensus
import Primitives
import Testing

/// What must never happen, whatever the world does.
///
/// - One content a slot, the same state behind the same slot, everywhere.
/// - What a client was told to be chosen is in that slot, and is there once.
/// - A read sees every write that was told, and everything that a read saw, before it began.
/// - At most one replica reads by a lease.
struct Oracle {
  private(set) var contents: [Slot: Entry.Content] = [:]
  private var hashes: [Slot: UInt64] = [:]
  private var commands: [[UInt8]: RequestID] = [:]
  private var slots: [RequestID: Slot] = [:]
  private var refused: Set<RequestID> = []
  private var pending: Set<RequestID> = []
  /// What a read has to see, by when it began.
  private var floors: [RequestID: Slot] = [:]
  private var told = Slot.zero
  private(set) var outcomes: [Outcome] = []
  private(set) var writtenCount = 0
  private(set) var readCount = 0
  private(set) var leaseReadCount = 0
  private(set) var refusedCount = 0
  /// What went wrong.
  private(set) var violations: [String] = []

  mutating func violate(_ text: String) {
    if violations.count < 5 { violations.append(text) }
  }

  mutating func invoked(_ proposal: Proposal) {
    commands[proposal.command] = proposal.id
    pending.insert(proposal.id)
  }

  mutating func invokedRead(_ request: RequestID) { floors[request] = told }

  mutating func forget(_ reads: [RequestID]) {
    for read in reads { floors[read] = nil }
  }

  mutating func chosen(_ entry: Entry, at replica: ReplicaID) {
    if let content = contents[entry.slot] {
      if content != entry.content {
        violate("\(replica) holds \(entry.content) for \(entry.slot), chosen was \(content)")
      }
      return
    }
    contents[entry.slot] = entry.content
    guard case .command(let bytes) = entry.content else { return }
    guard let request = commands[bytes] else {
      return violate("\(entry.slot) holds a command that nobody proposed")
    }
    if refused.contains(request) { violate("\(entry.slot) holds \(request), which was refused") }
    if let former = slots[request] {
      violate("one proposal was chosen in \(former) and in \(entry.slot)")
    }
    slots[request] = entry.slot
  }

  mutating func applied(_ state: MachineState, at replica: ReplicaID) {
    if let hash = hashes[state.slot] {
      if hash != state.hash { violate("\(replica) differs after \(state.slot)") }
    } else {
      hashes[state.slot] = state.hash
    }
  }

  mutating func tell(_ outcome: Outcome, by node: Node, in world: World) {
    outcomes.append(outcome)
    switch outcome {
    case .proposal(let request, .success(let slot)):
      writtenCount += 1
      if pending.remove(request) == nil { violate("\(request) was answered twice") }
      if slots[request] != slot {
        violate("\(request) was told \(slot), not \(slots[request], default: "nil")")
      }
      told = max(told, slot)
    case .proposal(let request, .failure(let refusal)):
      refusedCount += 1
      if pending.remove(request) == nil { violate("\(request) was answered twice") }
      if refusal != .unknownOutcome {
        if let slot = slots[request] { violate("\(request) was refused and is in \(slot)") }
        refused.insert(request)
      }
    case .read(let request, .success(let slot)):
      if floors[request] == nil { violate("read \(request) was answered twice") }
      node.waiting.append((request, slot))
      if case .leader? = node.replica?.role, node.replica!.holdsLease(at: world.bootTime(of: node))
      {
        leaseReadCount += 1
      }
    case .read(let request, .failure): floors[request] = nil
    case .configuration, .transfer: break
    }
  }

  /// Reads whose slot is applied see all that is.
  mutating func finishReads(at node: Node) {
    guard !node.waiting.isEmpty else { return }
    for read in node.waiting where read.slot <= node.state.slot {
      guard let floor = floors.removeValue(forKey: read.request) else { continue }
      readCount += 1
      if read.slot < floor {
        violate(
          "a read at \(node.id) saw \(read.slot), and \(floor) was shown before it began")
      }
      told = max(told, node.state.slot)
    }
    node.waiting.removeAll { $0.slot <= node.state.slot }
  }

  mutating func look(at world: World) {
    var holders: [ReplicaID] = []
    for (id, node) in world.nodes {
      // Not through a copy of the replica: this is looked at after every step.
      if node.replica?.holdsLease(at: world.bootTime(of: node)) == true { holders.append(id) }
    }
    if holders.count > 1 { violate("\(holders.sorted()) read by a lease at once") }
  }
}

extension Oracle {
  func result(of request: RequestID) -> Result<Slot, Refusal>? {
    for outcome in outcomes {
      switch outcome {
      case .proposal(request, let result), .read(request, let result),
        .configuration(request, let result):
        return result
      default: continue
      }
    }
    return nil
  }

  func transfer(_ request: RequestID) -> Result<Ballot, Refusal>? {
    for case .transfer(request, let result) in outcomes { return result }
    return nil
  }
}
