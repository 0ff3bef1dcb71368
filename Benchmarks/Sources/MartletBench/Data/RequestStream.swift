/// What one thread asks of an engine at a mixed workload, packed in the order of use.
///
/// Each request is a transaction of its own. Its payload lies in one stream of bytes: a key to read
/// or to scan from, a record to write, or a step to add.
struct RequestStream: Sendable {
  enum Request: UInt8, Sendable {
    case read
    case scan
    case write
    case change

    var payloadByteCount: Int {
      switch self {
      case .read, .scan: RecordShape.keyByteCount
      case .write: RecordShape.byteCount
      case .change: Steps.byteCount
      }
    }
  }

  private(set) var requests: [Request] = []
  /// How many records a scan visits at most; zero for other requests.
  private(set) var limits: [UInt8] = []
  private(set) var payload: [UInt8] = []

  mutating func append(_ request: Request, _ bytes: [UInt8], limit: Int = 0) {
    precondition(bytes.count == request.payloadByteCount, "a payload has the size of its request")
    requests.append(request)
    limits.append(UInt8(limit))
    payload.append(contentsOf: bytes)
  }
}
