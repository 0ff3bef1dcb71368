/// A value on the heap that objects reach without the checks of exclusive access that stored
/// properties of classes have at run time: three of them cost as much as the work of a short method.
// SAFETY: the memory lives as long as the cell. False if two accesses overlap of which one changes
// the value: an owner makes each access short, and calls nobody during it who could come back.
@safe
@frozen
@usableFromInline
package struct HeapCell<Value: ~Copyable>: ~Copyable {
  @usableFromInline let memory: UnsafeMutablePointer<Value>

  @inlinable package init(_ value: consuming Value) {
    unsafe memory = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    unsafe memory.initialize(to: value)
  }

  deinit {
    unsafe memory.deinitialize(count: 1)
    unsafe memory.deallocate()
  }

  @inlinable package var value: Value {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(memory) }
    @inline(__always) nonmutating unsafeMutableAddress { unsafe memory }
  }
}
