/// A queue of what is due, earliest first; what is due at the same moment in the order of arrival.
struct Agenda<Item> {
  private struct Due {
    let time: UInt64
    let number: UInt64
    let item: Item

    func isBefore(_ other: Due) -> Bool { (time, number) < (other.time, other.number) }
  }

  private var heap: [Due] = []
  private var number: UInt64 = 0

  var isEmpty: Bool { heap.isEmpty }
  var nextTime: UInt64? { heap.first?.time }

  mutating func add(_ item: Item, at time: UInt64) {
    number += 1
    heap.append(Due(time: time, number: number, item: item))
    var child = heap.count - 1
    while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func removeFirst() -> (time: UInt64, item: Item) {
    let first = heap[0]
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      var parent = 0
      while true {
        var least = parent
        for child in [2 * parent + 1, 2 * parent + 2]
        where child < heap.count && heap[child].isBefore(heap[least]) {
          least = child
        }
        if least == parent { break }
        heap.swapAt(parent, least)
        parent = least
      }
    }
    return (first.time, first.item)
  }
}
