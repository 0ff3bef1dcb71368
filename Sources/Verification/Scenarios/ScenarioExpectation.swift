extension Scenario {
  /// What the file expects, and where.
  package struct Expectation: Sendable, Hashable {
    /// At these levels; empty for all.
    package var levels: Set<ScenarioLevel> = []
    /// Under these protocols; empty for all.
    package var protocols: Set<ScenarioProtocol> = []
    /// In these listed permutations; empty for all.
    package var permutations: Set<String> = []
    package var content: Content
    /// Where it stands in the file, and its words.
    package var line: Int
    package var text: String

    package enum Content: Sendable, Hashable {
      /// In some permutation a named predicate holds.
      case happens(String)
      /// It holds in none.
      case never(String)
      /// It may hold or not: the level promises nothing, and nobody insists that it be seen.
      case allowed(String)
      /// Holds in every permutation.
      case holds(ScenarioPredicate)
    }

    package func applies(to setting: IsolationSetting) -> Bool {
      (levels.isEmpty || levels.contains(setting.level))
        && (protocols.isEmpty || setting.concurrency.map(protocols.contains) ?? false)
    }

    package func applies(to permutation: Permutation) -> Bool {
      permutations.isEmpty || permutation.name.map(permutations.contains) ?? false
    }
  }

  /// What a level promises about a named predicate.
  package enum Promise: String, Sendable, Hashable {
    /// It is not kept from happening, and can be shown.
    case happens
    /// It is not kept from happening.
    case allowed
    /// It does not happen, whatever the order of the steps.
    case never
  }

  /// What is promised about a named predicate at a setting; nil when the file does not say.
  package func promise(of name: String, at setting: IsolationSetting) -> Promise? {
    for expectation in expectations where expectation.applies(to: setting) {
      switch expectation.content {
      case .happens(name): return .happens
      case .allowed(name): return .allowed
      case .never(name): return .never
      default: continue
      }
    }
    return nil
  }
}
