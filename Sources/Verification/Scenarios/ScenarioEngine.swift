/// The seam between scenarios and what runs their transactions.
///
/// - Invariant SE1: `transact` runs its body on the calling thread; the transaction is over when
///   it returns or throws, with everything it held let go.
/// - Invariant SE2: a transaction is in `waiting` from before its thread stops for another
///   transaction until that one, by a step of its own, lets it go on: whoever caused that finds it
///   gone from the set when its step returns.
package protocol ScenarioEngine: Sendable {
  /// Forgets the rows of the runs before, and commits these.
  func load(_ rows: [ScenarioRow]) throws

  /// Runs a transaction: commits it when the body returns, rolls it back when it throws.
  ///
  /// `perform` carries out one operation that does not end a transaction.
  /// - Throws: `ScenarioAbort` when the engine rolled the transaction back; what the body throws.
  func transact(
    at setting: IsolationSetting,
    _ body: (
      _ transaction: UInt64, _ perform: (ScenarioOperation) throws -> ScenarioResult
    ) throws -> Void
  ) throws

  /// The transactions that wait for another one at this moment.
  var waiting: Set<UInt64> { get }

  /// The committed rows.
  func contents() throws -> [ScenarioRow]
}

/// The engine rolled a transaction back.
package struct ScenarioAbort: Error, Hashable {
  package let code: String
  package let message: String

  package init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

/// An operation cannot be carried out as it stands: nothing happened, the transaction goes on.
package struct ScenarioRefusal: Error, Hashable {
  package let message: String

  package init(_ message: String) { self.message = message }
}
