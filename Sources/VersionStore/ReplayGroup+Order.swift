internal import RawBytes

// Puts the entries in order: by lane, then by key, then as they came.
//
// A radix sort by eight bytes of the key, least significant first, is stable and linear; digits in
// which all words agree are skipped, so that keys with few different bytes cost few passes. Which
// eight bytes: those behind the prefix that all keys of the lane have in common. Keys that agree in
// these too are sorted by comparing what follows.
extension ReplayGroup {
  mutating func sort() {
    guard !Self.loadWords(of: &places, bytes.view, lanes) else { return }
    sortByDigits()
    sortTies()
  }

  /// Gives every place its word. True: they stand in order already.
  private static func loadWords(
    of places: inout [Place], _ view: ByteView, _ lanes: [Lane]
  ) -> Bool {
    var places = places.mutableSpan
    var isInOrder = true
    var previous: Place?
    for index in places.indices {
      var place = places[index]
      let key = ReplayEntry(in: view, at: place.offset).key
      place.word = word(of: key, from: lanes[Int(place.lane)].commonCount)
      places[index] = place
      if let previous {
        isInOrder =
          isInOrder
          && (previous.lane < place.lane
            || previous.lane == place.lane && previous.word < place.word)
      }
      previous = place
    }
    return isInOrder
  }

  /// Eight bytes of a key, the first the most significant; zeros behind its end.
  @inline(__always)
  private static func word(of key: ByteView, from offset: Int) -> UInt64 {
    let count = key.count &- offset
    if count >= 8 { return key.load(UInt64.self, at: offset).byteSwapped }
    var word: UInt64 = 0
    for index in 0..<max(count, 0) {
      word |= UInt64(key[offset &+ index]) << UInt64(56 &- 8 &* index)
    }
    return word
  }

  // MARK: Digits

  /// Eight digits of the word, and two of the lane.
  private static var digitCount: Int { 10 }

  @inline(__always)
  private static func digit(_ number: Int, of place: Place) -> Int {
    number < 8
      ? Int(truncatingIfNeeded: place.word >> UInt64(8 &* number)) & 255
      : Int(truncatingIfNeeded: place.lane >> UInt32(8 &* (number &- 8))) & 255
  }

  private mutating func sortByDigits() {
    if scratch.count != places.count { scratch = places }
    var counts = [Int](repeating: 0, count: 256 * Self.digitCount)
    do {
      var counts = counts.mutableSpan
      let places = places.span
      for index in places.indices {
        let place = places[index]
        for number in 0..<Self.digitCount {
          counts[256 &* number &+ Self.digit(number, of: place)] &+= 1
        }
      }
    }
    for number in 0..<Self.digitCount {
      let own = 256 * number..<256 * (number + 1)
      if counts[own].contains(places.count) { continue }
      var start = 0
      for bucket in own { (counts[bucket], start) = (start, start + counts[bucket]) }
      Self.deal(places, to: &scratch, byDigit: number, &counts)
      swap(&places, &scratch)
    }
  }

  /// Copies the places in the order of one digit. `starts` holds where each bucket begins, and is
  /// used up.
  private static func deal(
    _ places: [Place], to target: inout [Place], byDigit number: Int, _ starts: inout [Int]
  ) {
    let source = places.span
    var target = target.mutableSpan
    var starts = starts.mutableSpan
    for index in source.indices {
      let place = source[index]
      let bucket = 256 &* number &+ digit(number, of: place)
      target[starts[bucket]] = place
      starts[bucket] &+= 1
    }
  }

  // MARK: Ties

  private mutating func sortTies() {
    let view = bytes.view
    var start = 0
    while start < places.count {
      var end = start + 1
      var areKeysEqual = true
      while end < places.count, places[end].lane == places[start].lane,
        places[end].word == places[start].word
      {
        areKeysEqual = areKeysEqual && Self.haveSameKey(places[start], places[end], view)
        end += 1
      }
      if !areKeysEqual { places[start..<end].sort { Self.stands($0, before: $1, view) } }
      start = end
    }
  }

  @inline(__always)
  static func haveSameKey(_ left: Place, _ right: Place, _ view: ByteView) -> Bool {
    ReplayEntry(in: view, at: left.offset).key == ReplayEntry(in: view, at: right.offset).key
  }

  private static func stands(_ left: Place, before right: Place, _ view: ByteView) -> Bool {
    let order = ReplayEntry(in: view, at: left.offset).key.compare(
      ReplayEntry(in: view, at: right.offset).key)
    return order != 0 ? order < 0 : left.offset < right.offset
  }
}
