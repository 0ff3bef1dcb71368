extension FileProtection {
  /// The system's number of the class: 1 to 4 for A to D.
  var number: Int32 {
    switch self {
    case .complete: 1
    case .completeUnlessOpen: 2
    case .completeUntilFirstUserAuthentication: 3
    case .none: 4
    }
  }
}
