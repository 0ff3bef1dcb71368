import MartletCommands
import Testing

@Suite struct DriveRequestTests {
  private func decode(_ line: String) throws -> DriveRequest {
    try DriveRequest(line: Array(line.utf8))
  }

  @Test func `requests without a session are decoded`() throws {
    #expect(
      try decode(#"{"id":1,"op":"reset","setup":{"x":10,"y":"ten"}}"#)
        == DriveRequest(
          id: 1, target: .reset([Array("x".utf8): .integer(10), Array("y".utf8): .string("ten")])))
    #expect(try decode(#"{"id":2,"op":"reset"}"#) == DriveRequest(id: 2, target: .reset([:])))
    #expect(try decode(#"{"op":"dump"}"#) == DriveRequest(id: .null, target: .dump))
  }

  @Test(arguments: [
    (#""op":"begin","level":"SI","protocol":null"#, SessionOperation.begin(.snapshot, nil)),
    (#""op":"begin","level":"SSER""#, .begin(.strictSerializable, nil)),
    (#""op":"begin","level":"SER","protocol":"OCC""#, .begin(.serializable, .optimistic)),
    (#""op":"begin","level":"RR","protocol":"2PL""#, .begin(.repeatableRead, .twoPhaseLocking)),
    (#""op":"get","args":["k"]"#, .get("k")),
    (#""op":"getForUpdate","args":["k"]"#, .getForUpdate("k")),
    (#""op":"savepoint","args":["s"]"#, .savepoint("s")),
    (#""op":"rollback-to","args":["s"]"#, .rollBack(to: "s")),
    (#""op":"put","args":["k",11]"#, .put("k", .integer(11))),
    (#""op":"put","args":["k","11"]"#, .put("k", .string("11"))),
    (#""op":"delete","args":["k"]"#, .delete("k")),
    (#""op":"scan","args":["a","b"]"#, .scan("a", "b", limit: nil)),
    (#""op":"scan","args":[null,"b",5]"#, .scan(nil, "b", limit: 5)),
    (#""op":"incr","args":["k",-3]"#, .increment("k", by: -3)),
    (
      #""op":"cas","args":["k",null,"n"]"#, .compareAndSet("k", old: nil, new: .string("n"))
    ),
    (
      #""op":"cas","args":["k",1,2]"#, .compareAndSet("k", old: .integer(1), new: .integer(2))
    ),
    (#""op":"commit""#, .commit), (#""op":"abort","args":[]"#, .abort),
  ])
  func `operations of a session are decoded`(
    fields: String, expected: SessionOperation
  ) throws {
    let request = try decode("{\"id\":\"i\",\"session\":\"T1\",\(fields)}")
    #expect(request == DriveRequest(id: "i", target: .session("T1", expected)))
  }

  @Test(arguments: [
    (#"{"id":7"#, JSON.null, "not JSON"), (#"[7]"#, .null, "a request is a JSON object"),
    (#"{"id":7}"#, 7, "a request needs \"op\""),
    (#"{"id":7,"op":"fly","session":"T"}"#, 7, "there is no operation fly"),
    (#"{"id":7,"op":"get","args":["k"]}"#, 7, "get needs \"session\""),
    (#"{"id":7,"op":"get","session":"T"}"#, 7, "get needs a key as argument 1"),
    (#"{"id":7,"op":"get","session":"T","args":[1]}"#, 7, "argument 1 of get must be a key"),
    (#"{"id":7,"op":"get","session":"T","args":["a","b"]}"#, 7, "get takes 1 arguments"),
    (#"{"id":7,"op":"get","session":"T","args":"k"}"#, 7, "args must be an array"),
    (#"{"id":7,"op":"put","session":"T","args":["k",1.5]}"#, 7, "argument 2 of put must be"),
    (#"{"id":7,"op":"put","session":"T","args":["k",null]}"#, 7, "argument 2 of put must be"),
    (#"{"id":7,"op":"put","session":"T","args":["k",true]}"#, 7, "argument 2 of put must be"),
    (
      #"{"id":7,"op":"put","session":"T","args":["k",9223372036854775808]}"#, 7,
      "argument 2 of put must be"
    ),
    (#"{"id":7,"op":"scan","session":"T","args":["a","b",-1]}"#, 7, "argument 3 of scan"),
    (#"{"id":7,"op":"incr","session":"T","args":["k","1"]}"#, 7, "argument 2 of incr"),
    (#"{"id":7,"op":"begin","session":"T"}"#, 7, "begin needs \"level\""),
    (#"{"id":7,"op":"begin","session":"T","level":"XX"}"#, 7, "begin needs \"level\""),
    (
      #"{"id":7,"op":"begin","session":"T","level":"SI","protocol":"X"}"#, 7, "protocol must be"
    ),
    (#"{"id":7,"op":"savepoint","session":"T"}"#, 7, "savepoint needs a name as argument 1"),
    (#"{"id":7,"op":"rollback-to","session":"T","args":[1]}"#, 7, "argument 1 of rollback-to"),
    (#"{"id":7,"op":"reset","setup":[]}"#, 7, "setup must be an object"),
    (#"{"id":7,"op":"reset","setup":{"x":[]}}"#, 7, "the value of x is an array"),
  ])
  func `a malformed request is refused with its id`(
    line: String, id: JSON, reason: String
  ) {
    #expect { try decode(line) } throws: { error in
      guard let refusal = error as? DriveRefusal else { return false }
      return refusal.id == id && refusal.reason.hasPrefix(reason)
    }
  }

  @Test(arguments: [
    DriveValue.integer(11), .string("11"), .integer(.min), .string(""), .string("i1"),
    .string("é\n"),
  ])
  func `values keep their kind through the database's bytes`(value: DriveValue) {
    #expect(DriveValue(bytes: value.bytes) == value)
  }

  @Test(arguments: ["", "x1", "i", "i1x", "11"])
  func `bytes that are no value are none`(text: String) {
    #expect(DriveValue(bytes: Array(text.utf8)) == nil)
    #expect(DriveValue(bytes: [0x73, 0xFF]) == nil)
  }

  @Test func `replies are one line of JSON each`() {
    #expect(
      DriveReply(id: 3, .ok(["a": 1])).text == #"{"id":3,"status":"ok","value":{"a":1}}"#)
    #expect(
      DriveReply(id: "x", .aborted(reason: "r", code: "c")).text
        == #"{"id":"x","status":"aborted","reason":"r","code":"c"}"#)
    #expect(
      DriveReply(id: .null, .error("r\n")).text
        == #"{"id":null,"status":"error","reason":"r\n"}"#)
  }
}
