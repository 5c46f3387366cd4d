"""Damage: to bytes, to texts, to JSON."""

import json

# What parsers trip over.
SCRAPS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"\x0b", b"\x7f", b":", b",", b";", b"%", b"%00",
    b"%2e%2e", b"%2F", b"%5c", b"%zz", b"%0d%0aX-Fuzz: 1", b"..", b"//", b"\\", b"?", b"#", b"&",
    b"=", b"*", b"\"", b"'", b"<", b"{", b"[", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\xf4\x90\x80\x80", "é".encode(), "\u2028".encode(), b"0", b"-1", b"+5",
    b"9" * 30, b"1e400", b"0x10", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n", b"X-Fuzz: 1\r\n", b" folded\r\n", b"Host: other\r\n",
    b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"5\r\n",
    b"GET / HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n", b"HTTP/1.0", b"HTTP/1.1",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"A" * 300]


def octets(random, data, most=4):
    """`data` with some of its bytes changed, gone, repeated or moved, or with scraps between."""
    data = bytearray(data)
    for _ in range(random.randint(1, most)):
        at, size = random.randint(0, len(data)), random.choice((1, 1, 1, 2, 4, 16, 200))
        kind = random.randrange(6)
        if kind == 0:
            data[at:at] = random.choice(SCRAPS)
        elif kind == 1:
            data[at:at + size] = random.choice(SCRAPS)
        elif kind == 2:
            data[at:at + 1] = bytes([random.randrange(256)])
        elif kind == 3:
            del data[at:at + size]
        elif kind == 4:
            data[at:at] = data[at:at + size]
        elif at < len(data):
            data[at] ^= 1 << random.randrange(8)
    return bytes(data)


def text(random, value):
    """A text that is like `value`, or not."""
    return random.choice((
        lambda: "", lambda: " ", lambda: value[:-1], lambda: value + value[-1:],
        lambda: value.upper(), lambda: value * random.randint(2, 60), lambda: "a" * 5000,
        lambda: value + "\0", lambda: "\r\nX-Fuzz: 1\r\n" + value, lambda: "\u202e\ufeff" + value,
        lambda: "\U0001f41d" * random.choice((1, 3, 50, 200, 201)), lambda: "%s%n{}${7*7}",
        lambda: "'; DROP TABLE users; --", lambda: "<script>alert(1)</script>",
        lambda: octets(random, value.encode()).decode("utf-8", "replace"),
        lambda: "0198f0c4-6f3a-7cc2-9d56-3b2f7b8e4a11", lambda: "..", lambda: "-1",
        lambda: "-9223372036854775809", lambda: "1e999", lambda: "null"))()


class Raw(str):
    """JSON as it stands."""


class Pairs(list):
    """An object: names and values, as often and in whatever order."""


def pairs(value):
    if isinstance(value, dict):
        return Pairs((name, pairs(inner)) for name, inner in value.items())
    return [pairs(inner) for inner in value] if isinstance(value, list) else value


def _string(random, value):
    if random.random() < 0.9:
        return json.dumps(value, ensure_ascii=random.random() < 0.5)
    return '"' + "".join(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else char
                         for char in value) + '"'


def dump(random, value):
    """`value` as JSON, with blanks where some are allowed."""
    if isinstance(value, Raw):
        return value
    blank = random.choice(("", "", "", " ", "\n\t"))
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{blank}{_string(random, name)}{blank}:{dump(random, inner)}"
                              for name, inner in value) + blank + "}"
    if isinstance(value, list):
        return "[" + ",".join(blank + dump(random, inner) for inner in value) + "]"
    return _string(random, value) if isinstance(value, str) else json.dumps(value)


def _odd(random):
    """A value that nobody expects."""
    deep = random.choice((5, 63, 64, 65, 100, 3000))
    return random.choice((
        None, True, False, 0, -1, 2**31, 2**63, 2**64, 1.5, [], Pairs(), "", "x" * 300, "a\0b",
        Raw("1e999"), Raw("-0"), Raw("-0.0e-0"), Raw("1" * 400), Raw("0." + "0" * 400 + "1"),
        Raw("01"), Raw("NaN"), Raw("-Infinity"), Raw("+1"), Raw(".5"), Raw("1."), Raw("'a'"),
        Raw("tru"), Raw(""), Raw('"\\ud800"'), Raw('"\\udc00\\ud800"'), Raw('"\\ud83d\\udc1d"'),
        Raw('"\\u0000"'), Raw('"\\x41"'), Raw('"\\u12"'), Raw('"a'), Raw('"\t"'), Raw("/**/1"),
        Raw("[" * deep), Raw("[" * deep + "]" * deep), Raw('{"a":' * deep + "1" + "}" * deep),
        Raw("[" + "0," * 2000 + "0]"), Raw('{"":1,"":2}')))


def _node(random, value):
    """Damages one place of a tree that pairs() made."""
    if isinstance(value, Pairs) and value and random.random() < 0.7:
        at = random.randrange(len(value))
        name, inner = value[at]
        kind = random.randrange(8)
        if kind == 0:
            value.insert(random.randrange(len(value) + 1), (name, _odd(random)))
        elif kind == 1:
            value.append((random.choice(("", "x", "__proto__", "@type", "a" * 5000, "\0")),
                          _odd(random)))
        elif kind == 2:
            snake = "".join("_" + char.lower() if char.isupper() else char for char in name)
            value[at] = (random.choice((snake, name.upper(), text(random, name))), inner)
        elif kind == 3:
            del value[at]
        elif kind == 4 and isinstance(inner, str):
            value[at] = (name, text(random, inner))
        else:
            value[at] = (name, _node(random, inner))
        return value
    return _odd(random)


def body(random, value):
    """The bytes of a body like `value`, damaged in one way or several."""
    tree = pairs(value)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        tree = _node(random, tree)
    data = dump(random, tree)
    kind = random.randrange(20)
    if kind == 0:
        return data.encode("utf-16")
    data = data.encode("utf-8", "surrogatepass")
    if kind == 1:
        return b"\xef\xbb\xbf" + data
    if kind == 2:
        return data + random.choice((b"}", b"{}", b",", b"\0", b" \r\n\t", b"x"))
    if kind == 3:
        return data[:random.randint(0, len(data))]
    if kind <= 7:
        return octets(random, data)
    return random.randbytes(random.randint(0, 200)) if kind == 8 else data
