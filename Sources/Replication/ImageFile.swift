internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import VersionStore

/// An image on its way to other replicas: the rows of a state at one slot, in chunks, in a file that
/// nobody needs after a crash.
///
/// It is a copy, so that neither a slow receiver nor a replica that changes its own state meanwhile
/// holds the other up.
final class ImageFile: Sendable {
  let path: String
  let offer: ImageOffer
  private let file: any File
  private let places: [Range<Int>]

  private init(path: String, offer: ImageOffer, file: any File, places: [Range<Int>]) {
    self.path = path
    self.offer = offer
    self.file = file
    self.places = places
  }

  /// Copies a state as a snapshot sees it. Nil when it was told to give up.
  static func make(
    of store: VersionStore, at snapshot: StoreSnapshot, _ row: StateRow, id: UInt64,
    folder: String, effects: Effects, isGivenUp: () -> Bool
  ) throws(NodeError) -> ImageFile? {
    let path = FilePath.join(folder, StateFile.imagePrefix + String(id, radix: 16))
    do {
      let file = try effects.files.open(path, FileMode(creation: .always))
      var chunk = ByteBuffer(capacity: ImageOffer.chunkByteCount)
      var places: [Range<Int>] = []
      var hashes: [StateHash] = []
      var offset = 0
      func put() throws(FileError) {
        try file.write(chunk.view, at: UInt64(offset))
        places.append(offset..<offset + chunk.count)
        hashes.append(.of(chunk.view))
        offset += chunk.count
        chunk.removeAll()
      }
      for keyspace in [StateMachine.data, StateMachine.sessionRows] {
        var cursor = try store.makeCursor(in: keyspace, at: snapshot)
        var isThere = try cursor.seekFirst()
        while isThere {
          let byteCount = 9 + cursor.key.count + cursor.value.count
          if chunk.count > 0, chunk.count + byteCount > ImageOffer.chunkByteCount {
            if isGivenUp() { return nil }
            try put()
          }
          ImageRow.encode(keyspace, cursor.key, cursor.value, into: &chunk)
          isThere = try cursor.next()
        }
      }
      if chunk.count > 0 { try put() }
      return ImageFile(
        path: path,
        offer: ImageOffer(id: id, base: row.base, stateHash: row.hash, chunkHashes: hashes),
        file: file, places: places)
    } catch let error as FileError {
      throw .file(error)
    } catch let error as StoreError {
      throw .store(error)
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
  }

  /// The bytes of a chunk, as they were when it was made.
  func read(chunk: Int) throws(NodeError) -> [UInt8] {
    let place = places[chunk]
    let memory = AlignedMemory(byteCount: place.count)
    let count = try fileWork { () throws(FileError) in
      try file.read(into: memory.bytes[0..<place.count], at: UInt64(place.lowerBound))
    }
    let bytes = memory.bytes[0..<place.count].view
    guard count == place.count, StateHash.of(bytes) == offer.chunkHashes[chunk] else {
      throw .corrupt(
        CorruptionError(
          location: "\(path), chunk \(chunk)", expected: "the chunk as it was made",
          found: "other bytes"))
    }
    return bytes.array
  }
}
