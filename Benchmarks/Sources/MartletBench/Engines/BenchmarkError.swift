/// What makes a trial worthless.
enum BenchmarkError: Error, CustomStringConvertible {
  case missingKey(engine: String)
  case wrongRecordCount(expected: Int, found: Int)
  case wrongFinalState(engine: String)
  case notInstalled(engine: String)
  case engine(String, call: String, message: String)
  case unsupported(engine: String)
  case missingRecord(Int)
  case trial(String)
  case file(String)

  var description: String {
    switch self {
    case .missingKey(let engine): "\(engine): a key that was written is not found"
    case .wrongRecordCount(let expected, let found):
      "\(found) records found where \(expected) are expected"
    case .wrongFinalState(let engine):
      "\(engine): a change was lost or made twice: the final state is not the sum of all changes"
    case .notInstalled(let engine): "\(engine) is not installed here"
    case .engine(let engine, let call, let message): "\(engine): \(call): \(message)"
    case .unsupported(let engine): "\(engine) cannot do this"
    case .missingRecord(let id): "a record that was written is not found: \(id)"
    case .trial(let message): message
    case .file(let message): message
    }
  }
}
