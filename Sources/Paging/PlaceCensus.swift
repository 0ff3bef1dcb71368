internal import Primitives

/// Every place that is needed at one moment, copied out of the ledger so that counting them holds
/// nobody up.
struct PlaceCensus {
  let tree: MapTree
  private let map: PageMap
  private let rootTablePlace: Place?
  private let pending: [PageLedger.PendingPlace]

  init(_ ledger: borrowing PageLedger) {
    tree = ledger.tree
    map = ledger.map
    rootTablePlace = ledger.rootTablePlace
    pending = ledger.pending + ledger.held + ledger.unexamined
  }

  /// Tells each image of the current map, block of the durable tree and pending place that has a
  /// unit in common with one before, and the page if it is one.
  func forEachOverlap(_ body: (CorruptionError, PageID?) -> Void) {
    var taken = BlockSet()
    func take(_ place: Place, _ owner: String, _ page: PageID? = nil) {
      var shared: Int?
      for unit in place.start..<place.end {
        if taken.contains(unit) { shared = shared ?? unit }
        taken.insert(unit)
      }
      guard let shared else { return }
      body(
        CorruptionError(
          location: owner, expected: "a place of its own", found: "shared unit \(shared)"), page)
    }
    for entry in tree.levels.joined() where !entry.isAbsent { take(entry.place, "map block") }
    if let rootTablePlace { take(rootTablePlace, "root table") }
    var next: UInt64 = 1
    while let id = map.firstPresent(from: next) {
      take(map[id].place, "page \(id) in the page map", PageID(id))
      next = UInt64(id) + 1
    }
    for place in pending { take(place.place, "superseded image") }
  }
}
