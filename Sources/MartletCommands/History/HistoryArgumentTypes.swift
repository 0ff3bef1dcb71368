public import ArgumentParser
public import Martlet
public import Verification

/// Given on the command line by their names.
extension HistoryWorkload.Kind: ExpressibleByArgument {}

extension KeyDistribution: ExpressibleByArgument {}

extension HistoryFormat: ExpressibleByArgument {}

extension IsolationLevel: ExpressibleByArgument {}

extension TransactionProtocol: ExpressibleByArgument {}
