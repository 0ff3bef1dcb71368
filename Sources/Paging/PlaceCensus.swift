internal import Primitives

/// Every place that is needed at one moment, copied out of the ledger so that counting them holds
/// nobody up.
struct PlaceCensus {
  let tree: MapTree
  private let map: PageMap
  private let idLimit: UInt64
  private let rootTablePlace: Place?
  private let pending: [PageLedger.PendingPlace]

  init(_ ledger: borrowing PageLedger) {
    tree = ledger.tree
    map = ledger.map
    idLimit = ledger.idLimit
    rootTablePlace = ledger.rootTablePlace
    pending = ledger.pending
  }

  /// Two images of the current map, the durable tree or the pending places in one unit.
  func firstOverlap() -> CorruptionError? {
    var taken = BlockSet()
    func overlap(_ place: Place, _ owner: String) -> CorruptionError? {
      for unit in place.start..<place.end {
        if taken.contains(unit) {
          return CorruptionError(
            location: owner, expected: "a place of its own", found: "shared unit \(unit)")
        }
        taken.insert(unit)
      }
      return nil
    }
    for entry in tree.levels.joined() where !entry.isAbsent {
      if let found = overlap(entry.place, "map block") { return found }
    }
    if let rootTablePlace, let found = overlap(rootTablePlace, "root table") { return found }
    for id in 1..<max(idLimit, 1) {
      let entry = map[UInt32(id)]
      if entry.isAbsent { continue }
      if let found = overlap(entry.place, "page \(id)") { return found }
    }
    for place in pending {
      if let found = overlap(place.place, "superseded image") { return found }
    }
    return nil
  }
}
