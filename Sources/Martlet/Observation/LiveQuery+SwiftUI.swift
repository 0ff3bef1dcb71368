// Not compiled on Linux, where there is no SwiftUI: written against its documented interface, and
// unverified until somebody has built it on an Apple platform.
#if canImport(SwiftUI) && canImport(Observation)
  public import SwiftUI

  /// The newest value of a live query, in a SwiftUI view, which is drawn again when it changes.
  ///
  /// ```swift
  /// struct Balance: View {
  ///   @Live private var balance: Int?
  ///   init(_ values: LiveValues<Int>) { _balance = Live(values) }
  ///   var body: some View { Text(balance.map(String.init) ?? "–") }
  /// }
  /// ```
  ///
  /// The observation begins when the view first appears and ends with the view's identity.
  @MainActor
  @propertyWrapper
  public struct Live<Value: Sendable>: @MainActor DynamicProperty {
    @State private var holder = Holder()
    private let values: LiveValues<Value>

    /// Shows the values of a live query.
    public init(_ values: LiveValues<Value>) { self.values = values }

    /// The newest value; nil before the first.
    public var wrappedValue: Value? { holder.query?.value }

    /// The model behind it, which tells errors too; nil before the view has appeared.
    public var projectedValue: LiveQuery<Value>? { holder.query }

    /// Called by SwiftUI before the view's body.
    public func update() {
      if holder.query == nil { holder.query = LiveQuery(values) }
    }

    /// Kept by SwiftUI as long as the view's identity; not observed itself.
    @MainActor
    private final class Holder {
      var query: LiveQuery<Value>?
    }
  }
#endif
