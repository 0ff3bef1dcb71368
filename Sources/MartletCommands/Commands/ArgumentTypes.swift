public import ArgumentParser
public import Martlet

/// Given on the command line by its name.
extension Durability: ExpressibleByArgument {}

extension InputFormat: ExpressibleByArgument {}

extension Column: ExpressibleByArgument {
  package init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    self.init(argument)
  }
}
