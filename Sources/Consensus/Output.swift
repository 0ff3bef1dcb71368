internal import Primitives

/// What a step has gathered so far. Everything to be made durable in one step is one write, and what
/// depends on any of it is sent after all of it.
struct Output {
  var actions = Actions()
  var writesHardState = false
  /// The ballot that this step promised, its own or another's.
  var promised: Ballot?
  var entries: [Entry] = []
  /// The last slot of own proposals among the entries.
  var ownThrough: Slot?
  /// To be sent when this write, and all before, are durable.
  var afterWrite: [Envelope] = []
}
