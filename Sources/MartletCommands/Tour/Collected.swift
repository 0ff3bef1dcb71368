internal import Synchronization

/// A list that threads append to.
final class Collected<Element: Sendable>: Sendable {
  private let storage = Mutex<[Element]>([])

  func append(_ element: Element) { storage.withLock { $0.append(element) } }

  var elements: [Element] { storage.withLock { $0 } }
}
