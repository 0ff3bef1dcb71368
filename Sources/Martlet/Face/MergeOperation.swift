/// A change of a value that need not know the value: see ``Transaction/merge(_:for:in:)``.
public struct MergeOperation: Sendable, Hashable {
  let step: MergeStep

  /// Adds to an integer; an absent key counts as zero.
  public static func add(_ difference: Int) -> MergeOperation {
    MergeOperation(step: .add(Int64(difference)))
  }

  /// Keeps the lesser of the value and this one; an absent key takes this one.
  public static func min(_ value: Int) -> MergeOperation {
    MergeOperation(step: .minimum(Int64(value)))
  }

  /// Keeps the greater of the value and this one; an absent key takes this one.
  public static func max(_ value: Int) -> MergeOperation {
    MergeOperation(step: .maximum(Int64(value)))
  }

  /// Puts bytes behind the value; an absent key is empty.
  public static func append(_ bytes: [UInt8]) -> MergeOperation {
    MergeOperation(step: .append(bytes))
  }

  /// Puts the UTF-8 of a text behind the value; an absent key is empty.
  public static func append(_ text: String) -> MergeOperation { .append([UInt8](text.utf8)) }

  /// Puts an element into a ``ByteSet``; an absent key is the empty set.
  public static func insert(_ element: [UInt8]) -> MergeOperation {
    MergeOperation(step: .insert(element))
  }

  /// Puts a text into a ``ByteSet``; an absent key is the empty set.
  public static func insert(_ element: String) -> MergeOperation {
    .insert([UInt8](element.utf8))
  }

  /// Takes an element out of a ``ByteSet``, if it is there; an absent key stays absent.
  public static func remove(_ element: [UInt8]) -> MergeOperation {
    MergeOperation(step: .remove(element))
  }

  /// Takes a text out of a ``ByteSet``, if it is there; an absent key stays absent.
  public static func remove(_ element: String) -> MergeOperation {
    .remove([UInt8](element.utf8))
  }
}
