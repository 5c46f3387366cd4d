"""Hand-written JSON for json_peer_test.py: (message type, JSON text, what the C side must do).

SAME     accepted or refused as Python does it, with the same message when accepted
REFUSED  refused here although Python takes it: we are stricter on purpose
TAKEN    accepted here although Python refuses it: the mapping or C++ allow it
"""

SAME, REFUSED, TAKEN = "SAME", "REFUSED", "TAKEN"

INT_TEXTS = [
    "0", "-0", "1", "-1", "1.0", "1e2", "1E+2", "100e-2", "1.5", "15e-1", "1e-1", "0.0", "0e99", "01", "+1",
    "1.", ".5", "-", "1e", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295",
    "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1e18", "1e19", "1e20",
    "1e999", '"12"', '"-12"', '""', '"abc"', '" 1"', '"1 "', '"0x10"', '"1.5"', "true", "{}", "[]",
    '"true"', "1a",
]
INT_KINDS = [
    "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64",
]
# -0.0 is left to the unit tests: protobuf-c does not put it on the wire.
FLOAT_TEXTS = [
    "0", "-0", "1", "1.5", "1e10", "1e38", "1e39", "1e308", "1e309", "-1e309", "5e-324",
    "1e-400", "0.1", "3.402823e38", "3.5e38", "1.17549e-38", '"NaN"', '"Infinity"', '"-Infinity"',
    '"1.5"', '"nan"', '""', '"abc"', "NaN", "Infinity", "{}", '"1e5"',
]
TIMES = [
    "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
    "2026-02-28T12:30:45.5Z", "2026-02-28T12:30:45.123456Z", "2024-02-29T00:00:00Z",
    "2026-02-29T00:00:00Z", "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00-08:30",
    "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z",
    "2026-01-01T00:00:00.1234567891Z", "", "now", "0000-01-01T00:00:00Z",
    "1969-12-31T23:59:59.5Z", "10000-01-01T00:00:00Z",
]
DURATIONS = [
    "0s", "1s", "-1s", "1.5s", "-1.5s", "-0.5s", "0.000000001s", "315576000000s", "-315576000000s",
    "315576000001s", "1", "s", "", "1.5", "1ms", "1e2s", "1.5S", "--1s",
]
MASKS = ["", "a", "a,b", "fooBar", "fooBar.bazQux,other", "foo_bar", "a.b.c"]


def _one(kind, text):
    return ("Scalars", '{"%sValue": %s}' % (kind, text))


def cases():
    for kind in INT_KINDS:
        for text in INT_TEXTS:
            yield (*_one(kind, text), SAME)
        yield (*_one(kind, '"1.0"'), TAKEN)
        yield (*_one(kind, '"1e2"'), TAKEN)
        yield (*_one(kind, '"1_0"'), REFUSED)
        yield (*_one(kind, '"+1"'), REFUSED)
        yield (*_one(kind, '"01"'), REFUSED)
        yield (*_one(kind, '"\\t1"'), REFUSED)
    for kind in ("float", "double"):
        for text in FLOAT_TEXTS:
            yield (*_one(kind, text), SAME)
        for text in ('" 1"', '"1_0"', '"inf"', '"NAN"', '"infinity"', '"01"', '".5"', '"1."', "true"):
            yield (*_one(kind, text), REFUSED)
    # FLT_MAX in as few digits as tell it: Python compares as a double and finds it too large.
    yield (*_one("float", "3.4028235e38"), TAKEN)
    for text in ("true", "false", '"true"', "1", "0", "null", "{}", '"yes"', "True"):
        yield (*_one("bool", text), SAME)
    yield from _texts()
    yield from _structure()
    yield from _well_known()


def _texts():
    for text in (
        '"a"', '""', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u00e9\\u20ac"', '"\\ud83d\\ude00"', '"é€😀"', '"\\x"',
        '"\\u12"', '"\\u00zz"', '"\t"', '"\n"', '"\x7f"', '"abc', "1", "null", "true", "[]", "'a'", "\"\\ud83d\"",
        '"\\ude00"', '"\\ud83dx"', '"\\ud83d\\u0041"', '"\\ud83d\\ud83d"',
    ):
        yield (*_one("string", text), SAME)
    yield (*_one("string", '"\\u0000"'), REFUSED)
    yield (*_one("string", '"a\\u0000b"'), REFUSED)
    for text in (
        '""', '"AA=="', '"AA"', '"_-8="', '"AAAA"', '"aGVsbG8="', '"aGVsbG8"', "1", "null", "true", '"AAAAA"',
    ):
        yield (*_one("bytes", text), SAME)
    yield (*_one("bytes", '"+/8="'), TAKEN)  # the mapping takes both alphabets; Python drops these bytes
    yield (*_one("bytes", '"A A A"'), REFUSED)
    yield (*_one("bytes", '"AA=A"'), REFUSED)
    yield (*_one("bytes", '"é"'), REFUSED)
    for text in ('"COLOUR_RED"', "1", "-3", "99", "null", '"COLOUR_NONE"', '""', '"colour_red"', '"1"',
                 "2147483648", "[]", "{}"):
        yield (*_one("colour", text), SAME)
    yield (*_one("colour", "1.5"), REFUSED)
    yield (*_one("colour", "true"), REFUSED)


def _structure():
    for text in (
        "", " ", "{", "}", "{}", " {} ", "\ufeff{}", "{}{}", "{} x", "null", "1", '"a"', "{,}",
        '{"int32Value" 1}', '{"int32Value":}', '{"int32Value":1,}', '{"int32Value":1 "boolValue":true}',
        '{int32Value:1}', "{'int32Value':1}", '{"int32Value":1,"int32Value":2}', '{"unknown":1}',
        '{"int32_value":1}', '{"Int32Value":1}', '{"int32Value":1}/*x*/', "// x\n{}", '{"":1}',
        '{"int32Value":nul}', '{"int32Value":truee}', '{"int32Value":1;}', "{}\x00", "\x0b{}",
        '{"\\u0069nt32Value":1}', '{"int32Value":1,"\\u0069nt32Value":1}',
    ):
        yield ("Scalars", text, SAME)
    yield ("Scalars", "[]", REFUSED)
    yield ("Scalars", '{"int32Value":1,"int32_value":2}', REFUSED)
    yield ("Scalars", '{"int32Value":null,"int32_value":2}', REFUSED)
    for text in (
        '{"int32Values":[]}', '{"int32Values":null}', '{"int32Values":[1,2.0,"3"]}', '{"int32Values":[1,]}',
        '{"int32Values":[null]}', '{"int32Values":1}', '{"int32Values":{}}', '{"int32Values":[1 2]}',
        '{"int32Values":[[1]]}', '{"items":[{},{"name":"a"}]}', '{"items":[null]}', '{"items":[1]}',
        '{"colours":["COLOUR_RED",2]}', '{"stringValues":["a","","b"]}', '{"nulls":[0]}',
    ):
        yield ("Lists", text, SAME)
    yield ("Lists", '{"nulls":[null,null]}', TAKEN)
    for text in (
        '{"byInt32":{"1":"a","-2":"b"}}', '{"byInt32":{"x":"a"}}', '{"byInt32":{"1":"a","1":"b"}}',
        '{"byBool":{"true":"a","false":"b"}}', '{"byBool":{"1":"a"}}', '{"byString":{"":"a","b":""}}',
        '{"byString":[]}', '{"byString":null}', '{"byString":{"a":null}}', '{"toItem":{"a":{"name":"x"}}}',
        '{"toItem":{"a":null}}', '{"toValue":{"a":null,"b":[1]}}', '{"byUint64":{"18446744073709551615":"a"}}',
        '{"byUint64":{"-1":"a"}}', '{"toColour":{"a":"COLOUR_GREEN"}}', '{"byInt32":{1:"a"}}',
        '{"toTimestamp":{"5":"2026-01-01T00:00:00Z"}}', '{"toWrapper":{"true":"5"}}', '{"toInt64":{"a":1.0}}',
        '{"toInt64":{"a":{}}}', '{"toBytes":{"a":"AA=="}}', '{"toDouble":{"a":"NaN"}}',
    ):
        yield ("Maps", text, SAME)
    yield ("Maps", '{"byString":{"a\\u0000":"b"}}', REFUSED)
    yield ("Maps", '{"byInt32":{"1":"a","01":"b"}}', REFUSED)
    yield ("Maps", '{"byInt32":{"1":"a","1.0":"b"}}', SAME)
    for text in (
        '{"int32Choice":1}', '{"int32Choice":0}', '{"int32Choice":1,"stringChoice":"a"}',
        '{"int32Choice":null,"stringChoice":"a"}', '{"stringChoice":"a","int32Choice":null}',
        '{"int32Choice":1,"otherText":"a"}', '{"nullChoice":null}', '{"nullChoice":0}',
        '{"valueChoice":null}', '{"itemChoice":{}}', '{"itemChoice":null}', '{"wrapperChoice":null}',
        '{"wrapperChoice":"a"}', '{"otherText":"a","otherNumber":"1"}', '{"bytesChoice":""}',
    ):
        yield ("Choice", text, SAME)
    # Python keeps no track of a null in a oneof with another member; here it is a member like others.
    yield ("Choice", '{"nullChoice":null,"int32Choice":1}', REFUSED)
    for text in (
        '{"plain":"a","twoWords":"b","with3Digits":"c","with4digits":"d","another-name":"e","CamelCase":"f"}',
        '{"two_words":"b","with_3_digits":"c","renamed":"e","trailing_":"g"}', '{"trailing":"g"}',
        '{"camelCase":"f"}', '{"anotherName":"e"}',
    ):
        yield ("Names", text, SAME)
    yield ("Item", '{"innerItem":' * 63 + "{}" + "}" * 63, SAME)
    yield ("Item", '{"innerItem":' * 64 + "{}" + "}" * 64, REFUSED)
    yield ("Old", '{"needed":0}', SAME)
    yield ("Old", '{"needed":1,"number":7,"text":"seven","data":"","flag":false,"inner":{"needed":2}}', SAME)


def _well_known():
    def field(name, text, verdict=SAME):
        return ("WellKnown", '{"%s": %s}' % (name, text), verdict)

    for text in TIMES:
        yield field("time", '"%s"' % text)
    for text in ("1", "null", "{}", "[]", "true"):
        for name in ("time", "duration", "mask", "empty", "data", "list", "int32Wrapper", "any", "value", "null"):
            # Python lets a list or a text stand for an empty message, and 1 for a Timestamp fails.
            verdict = SAME
            if name == "empty" and text == "[]":
                verdict = REFUSED
            if name == "null" and text in ("1", "true"):
                verdict = REFUSED
            yield field(name, text, verdict)
    yield field("time", '"2026-01-01t00:00:00Z"')
    yield field("time", '"2026-01-01T00:00:00z"')
    for text in DURATIONS:
        yield field("duration", '"%s"' % text)
    yield field("duration", '"1.1234567891s"', REFUSED)
    for text in MASKS:
        yield field("mask", '"%s"' % text)
    for text in ("a,,b", "a b", "a.", ".a", "1a"):
        yield field("mask", '"%s"' % text, REFUSED)
    for text in ("null", "1", '"a"', "[1,null,[],{}]", '{"a":{"b":[null]}}', "true", "1e400", "-0.0"):
        verdict = REFUSED if text == "1e400" else SAME
        yield field("value", text, verdict)
        yield field("valueList", "[%s, %s]" % (text, text), verdict)
    yield field("data", '{"a":1,"a":2}')
    yield field("data", '{"a":{"\\u0000":1}}', REFUSED)
    yield field("list", "[1,2")
    yield field("list", "[" * 45 + "]" * 45)
    yield field("list", "[" * 64 + "]" * 64, REFUSED)
    for text in ('"NULL_VALUE"', "0", "null"):
        yield field("null", text)
    for name, texts in (
        ("int32Wrapper", ("1", '"1"', "1.0", "null", "{}", '{"value":1}')),
        ("int64Wrapper", ('"9223372036854775807"', "1")),
        ("uint64Wrapper", ('"18446744073709551615"', "-1")),
        ("boolWrapper", ("true", '"true"', "false")),
        ("stringWrapper", ('"a"', '""', "1")),
        ("bytesWrapper", ('"AA=="', "1")),
        ("doubleWrapper", ('"NaN"', "1.5", "0")),
        ("floatWrapper", ("1.5", "1e39")),
        ("uint32Wrapper", ("1", "-1")),
        ("int32Wrappers", ("[1,2]", "[null]")),
    ):
        for text in texts:
            yield field(name, text)
    yield field("uint64Wrapper", '"18446744073709551616"')
    item, stamp = "t/inkmesh.test.v1.Item", "t/google.protobuf.Timestamp"
    for text in (
        '{"@type":"%s","name":"a","itemCount":2}' % item, '{"name":"a","@type":"%s"}' % item,
        '{"name":"a","@type":"%s","itemCount":2}' % item, '{"@type":"%s"}' % item,
        '{"@type":"%s","unknown":1}' % item, '{"@type":"t/no.such.Type"}', '{"@type":1}', '{"name":"a"}',
        '{"@type":"%s","@type":"%s"}' % (item, item), '{"@type":"%s","value":"2026-01-01T00:00:00Z"}' % stamp,
        '{"value":"2026-01-01T00:00:00Z","@type":"%s"}' % stamp, '{"@type":"%s","value":1}' % stamp,
        '{"@type":"t/google.protobuf.Int64Value","value":"5"}',
        '{"@type":"t/google.protobuf.Value","value":null}', '{"@type":"t/google.protobuf.Empty"}',
        '{"@type":"t/google.protobuf.Struct","value":{"a":1}}',
        '{"@type":"t/google.protobuf.Any","value":{"@type":"%s","name":"x"}}' % item,
        '{"@type":"t/google.protobuf.Any","value":{}}', '{"@type":""}',
    ):
        yield field("any", text)
    yield field("any", '{"@type":"%s","value":"2026-01-01T00:00:00Z","more":1}' % stamp, REFUSED)
    yield field("any", '{"@type":"inkmesh.test.v1.Item"}', REFUSED)
