import Seeds
import Testing
import Verification

/// Histories as text.
@Suite struct `The history format` {
  static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  static func everything() -> History {
    var story = Story(concurrent: false)
    story.add(level: .serializable, append(5, 17), list(5, 17), absent(6))
    story.add(outcome: .fail, write(-7, -1), .read(key: 3, nil))
    story.add(outcome: .info, process: 4, write(7, 2))
    story.add(
      function: "bank",
      .scan(
        lower: 0, upper: 10,
        [.init(5, .list([17, 9_223_372_036_854_775_807])), .init(8, .list([]))]))
    story.add(scanRegisters(0..<10, [7: 2]))
    var history = story.history
    history.transactions[0].concurrencyProtocol = "serializableSnapshot"
    history.transactions[1].error = "said \"no\"\nand \\ left"
    history.transactions[3].invocationTime = 12
    history.transactions[3].completionTime = 3_000_000_000
    return history
  }

  @Test(arguments: HistoryFormat.allCases)
  func `reads what it writes`(_ format: HistoryFormat) throws {
    let history = Self.everything()
    let bytes = history.encoded(as: format)
    #expect(try History(decoding: bytes) == history)
  }

  @Test func `reads the example of the documentation`() throws {
    let history = try History(
      decoding: Self.bytes(
        """
        {"index":0,"type":"invoke","process":3,"time":10,"value":[["append",5,17],["r",5,null]]}
        {"index":1,"type":"ok","process":3,"time":20,"value":[["append",5,17],["r",5,[1,17]]]}

        """))
    #expect(
      history.transactions == [
        HistoryTransaction(
          process: 3, [append(5, 17), list(5, 1, 17)], invocationIndex: 0, completionIndex: 1,
          invocationTime: 10, completionTime: 20)
      ])
  }

  @Test func `reads what Jepsen writes`() throws {
    let text = """
      #jepsen.history.Op{:index 0, :time 3291485317, :type :invoke, :process 0, :f :txn, :value [[:r 1 nil] [:append 2 1]]}
      {:index 1, :type :info, :process :nemesis, :f :start, :value [:isolated {"n1" #{"n2"}}]} ; chaos
      {:type :ok, :index 2, :process 0, :time 3767733708N, :f :txn, :value [[:r 1 [3 4 ]] [:append 2 1]]}
      """
    let history = try History(decoding: Self.bytes(text))
    #expect(history.transactions.count == 1)
    #expect(history.transactions[0].operations == [list(1, 3, 4), append(2, 1)])
    let reversed = "{:value [[:r 1 nil]] :process 3, :type :invoke}"
    #expect(try History(decoding: Self.bytes(reversed)).transactions[0].operations.count == 1)
    let vector = "[" + text.split(separator: "\n")[0] + "]"
    #expect(try History(decoding: Self.bytes(vector)).transactions[0].outcome == .info)
  }

  @Test(arguments: [
    ("", "line 1, column 1: expected a history"),
    (
      "{\"type\":\"invoke\",\"process\":1,\"value\":[[\"x\",1,2]]}",
      "column 40: expected append, r, w or scan"
    ),
    (
      "{\"type\":\"invoke\",\"process\":1}\n{\"type\":\"done\"}",
      "line 2, column 9: expected invoke, ok, fail or info"
    ),
    ("{\"type\":\"ok\",\"process\":1}", "column 1: expected an invocation of process 1"),
    (
      "{\"type\":\"invoke\",\"process\":1}\n{\"type\":\"invoke\",\"process\":1}",
      "line 2, column 1: expected the completion of process 1"
    ),
    (
      "{\"type\":\"invoke\",\"process\":1,\"value\":[[\"append\",1,x]]}",
      "column 51: expected a value, an integer"
    ),
    (
      "{\"type\":\"invoke\",\"process\":1,\"value\":[[\"r\",1,[1,2,]]]}",
      "column 51: expected an element, an integer"
    ),
    (
      "{\"type\":\"invoke\",\"process\":1,\"value\":[[\"r\",1,[1;2]]]}",
      "column 48: expected a comma or \"]\""
    ),
    (
      "{\"type\":\"invoke\",\"process\":99999999999999999999}",
      "column 28: expected the process, an integer of 64 bits"
    ),
    ("{\"type\":\"invoke\",\"process\":1", "expected a comma or \"}\", found the end"),
    ("{\"type\":\"invoke\" \"process\":1}", "expected a comma or \"}\""),
    (
      "{\"index\":4,\"type\":\"invoke\",\"process\":1}\n{\"index\":4,\"type\":\"ok\",\"process\":1}",
      "expected an index above 4"
    ),
    ("{\"type\":\"invoke\",\"process\":1,\"level\":\"best\"}", "expected an isolation level"),
    ("hello", "expected an event"),
  ])
  func `says where and what it expected`(_ text: String, _ message: String) {
    let error = #expect(throws: HistoryError.self) { try History(decoding: Self.bytes(text)) }
    let description = error.map { "\($0)" } ?? ""
    #expect(description.contains(message), "\(description)")
  }

  @Test func `never traps on damaged text`() throws {
    var generator = SplitMix(Seed.take(for: #function))
    for format in HistoryFormat.allCases {
      let whole = Self.everything().encoded(as: format)
      for _ in 0..<300 {
        var bytes = whole
        for _ in 0..<1 + generator.below(3) {
          let place = generator.below(bytes.count)
          switch generator.below(3) {
          case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
          case 1: bytes.remove(at: place)
          default: bytes.removeSubrange(place...)
          }
          if bytes.isEmpty { bytes = [0x7B] }
        }
        _ = try? History(decoding: bytes)
      }
    }
  }
}
