/// The scenarios that come with the kit, in the text format that users write.
///
/// The anomalies say at which level each may happen and from which it never does: together the
/// table of what the levels promise, one row a file. The schedules say how the protocols differ
/// where the levels do not: what SSI commits, locks make wait and validation aborts.
public enum ScenarioCatalogue {
  /// The texts of the anomalies, from those that the weakest level forbids on.
  public static let anomalyTexts: [String] = [
    dirtyWrite, dirtyWriteCrossed, abortedRead, intermediateRead, circularInformationFlow,
    observedTransactionVanishes, fuzzyRead, fuzzyReadOfAbsentKey, lostUpdate, lostUpdateForUpdate,
    lostIncrement, lostCompareAndSet, readSkew, readSkewPredicate, predicateManyPrecedersRead,
    predicateManyPrecedersWrite, phantomInsert, phantomInsertEmpty, phantomInsertEdge,
    phantomDelete, phantomDeleteLast, phantomReinsert, longFork, writeSkew, writeSkewOfAbsentKeys,
    writeSkewAcrossSavepoint, writeSkewPredicate, readOnlyAnomaly, staleOrder,
  ]

  /// The texts of the schedules that tell the protocols apart.
  public static let scheduleTexts: [String] = [
    oneConflict, oneConflictOfAbsentKey, oneConflictOfRange, twoConflictsInOneDirection,
    chainThatCommitsInOrder, readerOvertaken, disjointWork, neighbouringRanges,
  ]

  /// The anomalies, one row of the matrix each.
  ///
  /// - Throws: never, for the texts are tested.
  public static func anomalies() throws(ScenarioSyntaxError) -> [Scenario] {
    try scenarios(anomalyTexts)
  }

  /// The schedules that tell the protocols apart.
  ///
  /// - Throws: never, for the texts are tested.
  public static func schedules() throws(ScenarioSyntaxError) -> [Scenario] {
    try scenarios(scheduleTexts)
  }

  /// The text of a scenario by its name; nil when there is none.
  public static func text(named name: String) -> String? {
    (anomalyTexts + scheduleTexts).first { text in
      (try? Scenario(parsing: text))?.name == name
    }
  }

  private static func scenarios(_ texts: [String]) throws(ScenarioSyntaxError) -> [Scenario] {
    var scenarios: [Scenario] = []
    for text in texts { scenarios.append(try Scenario(parsing: text)) }
    return scenarios
  }
}
