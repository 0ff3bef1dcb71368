internal import Primitives
internal import RawBytes
internal import Synchronization

/// Which messages the consumers of this process are taking right now, so that two of them do not meet
/// at one (MQ4). Only a hint: the commits decide.
final class QueueClaims: Sendable {
  private struct Claim: Hashable {
    let keyspace: KeyspaceID
    let message: MessageID
  }

  private struct State {
    var claims: Set<Claim> = []
    var tidied: [KeyspaceID: UInt64] = [:]
  }

  private let state = Mutex(State())

  /// False when somebody is taking it.
  func begin(_ message: MessageID, in keyspace: KeyspaceID) -> Bool {
    state.withLock {
      $0.claims.insert(Claim(keyspace: keyspace, message: message)).inserted
    }
  }

  func end(_ messages: [MessageID], in keyspace: KeyspaceID) {
    state.withLock { state in
      for message in messages {
        state.claims.remove(Claim(keyspace: keyspace, message: message))
      }
    }
  }

  /// Whether it is time to forget old idempotency keys: once a second, one consumer.
  func mayTidy(_ keyspace: KeyspaceID, at moment: UInt64) -> Bool {
    state.withLock { state in
      if let last = state.tidied[keyspace], moment < last &+ 1_000_000_000 { return false }
      state.tidied[keyspace] = moment
      return true
    }
  }
}
