import KeyCoding
import RawBytes
import RecordCoding

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The bytes of a key, as tuples of several types.
func tryKeyTuple(_ bytes: ByteView) {
  tryKey(bytes, as: KeyTuple<String, Int?, Double>.self)
  tryKey(bytes, as: KeyTuple<[UInt8]>.self)
  tryKey(bytes, as: KeyTuple<UInt64, Float, Bool, UUID, Date>.self)
  tryKey(bytes, as: KeyTuple<KeyTuple<String?, KeyTuple<Int??>?>, Data?>.self)
  tryKey(bytes, as: KeyTuple<Descending<KeyTuple<String, Int?>>, Descending<String>>.self)
}

private func tryKey<each Element: KeyElement>(
  _ bytes: ByteView, as type: KeyTuple<repeat each Element>.Type
) {
  do {
    let key = try type.init(keyBytes: bytes.array)
    require(key.keyBytes == bytes.array, "K3: a key that encodes otherwise")
  } catch {
    require(error.offset <= bytes.count, "an error beyond the key")
  }
}

/// What a coded record may hold: all that the format has a tag for, and all shapes of containers.
struct FuzzedRecord: Codable {
  indirect enum Shape: Codable {
    case dot
    case pair(Shape, Shape?)
    case named(String, sizes: [Double])
  }

  var flag: Bool?
  var number: Int?
  var small: UInt8?
  var double: Double?
  var float: Float?
  var text: String?
  var date: Date?
  var uuid: UUID?
  var data: Data?
  var decimal: Decimal?
  var url: URL?
  var shapes: [Shape]?
  var table: [String: [Int?]]?
}

func tryCodedRecord(_ bytes: ByteView) {
  let coder = BinaryCoder<FuzzedRecord>()
  do {
    let record = try coder.decode(bytes.array)
    let again = try coder.encode(record)
    let copy = try coder.decode(again)
    require(copy.table?.count == record.table?.count, "a record with another table")
    var flat = copy
    flat.table = nil
    let flatBytes = try coder.encode(flat)
    require(
      try coder.encode(try coder.decode(flatBytes)) == flatBytes, "a record that encodes otherwise")
  } catch is DecodingError {
  } catch {
    violated("an untyped error of a record: \(error)")
  }
}
