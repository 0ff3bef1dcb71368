import Dispatch
import Synchronization
import Testing

/// Runs cases on all processors.
enum Parallel {
  /// What was thrown by any of them, sorted.
  static func failures<Case: Sendable>(
    _ cases: [Case], _ body: @Sendable (Case) throws -> Void
  ) -> Failures {
    let messages = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: cases.count) { index in
      do {
        try body(cases[index])
      } catch {
        messages.withLock { $0.append("\(error)") }
      }
    }
    return Failures(messages: messages.withLock { $0.sorted() }, caseCount: cases.count)
  }

  struct Failures {
    let messages: [String]
    let caseCount: Int

    var count: Int { messages.count }

    func expectNone(_ name: String) {
      for message in messages.prefix(4) { Issue.record("\(name): \(message)") }
      #expect(messages.isEmpty, "\(name): \(count) of \(caseCount)")
    }
  }
}
