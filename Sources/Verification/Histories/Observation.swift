/// One key in the answer of a read or of a scan.
struct Observation {
  let key: Int
  let value: HistoryValue
  /// Whether a scan went over the key and found nothing.
  let isGap: Bool
}

extension HistoryOperation {
  /// Visits what it observed: of a scan, every key of the interval that occurs in the history, also
  /// those that were not there.
  ///
  /// - Returns: false when a scan answered keys out of order or outside of its interval.
  func forEachObservation(_ index: borrowing WriteIndex, _ body: (Observation) -> Void) -> Bool {
    switch self {
    case .append, .write: return true
    case .read(let key, let value):
      if let value {
        body(Observation(key: index.number(of: key), value: value, isGap: false))
      }
      return true
    case .scan(let lower, let upper, let entries):
      guard let entries else { return true }
      var previous: Int?
      for entry in entries {
        guard entry.key >= lower, entry.key < upper, previous.map({ $0 < entry.key }) ?? true
        else { return false }
        previous = entry.key
      }
      var place = 0
      for number in index.numbers(from: lower, to: upper) {
        let key = index.keys[Int(number)]
        if place < entries.count, entries[place].key == key {
          body(Observation(key: Int(number), value: entries[place].value, isGap: false))
          place += 1
        } else {
          body(Observation(key: Int(number), value: .absent, isGap: true))
        }
      }
      return true
    }
  }
}
