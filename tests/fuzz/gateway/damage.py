"""Damage to requests: to one part of them, or to several."""

import base64
import urllib.parse

import mutate
from grammar import METHODS, chunks

_ODD_METHODS = (
    b"TRACE", b"CONNECT", b"PROPFIND", b"BREW", b"get", b"G" * 3000, b"", b"GE\tT", b"G(T", b"PRI",
    b"\x16\x03\x01", b"-", b"GET\0")
_ODD_VERSIONS = (
    b"HTTP/1.0", b"HTTP/1.2", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/1.10", b"http/1.1",
    b"HTTP/1.1 ", b"HTTP/", b"", b"HTTP/1.1\0", b"ICY/1.1", b"HTTP/1,1", b"HTTP/-1.1")
_ENCODINGS = (
    b"chunked", b"Chunked", b"chunked, chunked", b"gzip, chunked", b"identity", b"xchunked",
    b"chunked;q=1", b"\x0bchunked", b"", b"chunked,", b"'chunked'")
_HOSTS = (b"", b"a,b", b"a b", b"[::1]:99999", b"h:x", b"\xff", b"user@h", b"h/../x", b"x" * 9000)
_MEDIA_TYPES = (
    b"text/plain", b"application/json; charset=utf-8", b"application/json;charset=utf-16",
    b"APPLICATION/JSON", b"application/jsonx", b"", b"multipart/form-data; boundary=x",
    b"application/json, text/plain", b"application/json;" + b";" * 500)
_LINES = (
    b" folded", b"\tfolded", b"no colon", b": no name", b"Name : value", b"N\xc3\xa9: value",
    b"A: b\nX-Fuzz: c", b"A: b\rX-Fuzz: c", b"A: \0b", b"\0: b", b"A\0B: c", b"A: b\r", b"A:b",
    b"A: \x01\x7f\xff", b"()<>@: x", b"Host: other", b"A;b: c", b"\"A\": b")
_QUERY_NAMES = (
    "pageSize", "page_size", "q", "pageToken", "authorId", "id", "updateMask", "lastEventId",
    "a.b.c", "", "title", "q[]", "\0", "x" * 3000)
# What clients and proxies send beside the necessary, and what they should not.
_FIELDS = (
    (b"Accept", (b"*/*", b"text/html;q=0.9", b"application/x-ndjson", b"x" * 3000)),
    (b"Accept-Encoding", (b"gzip, br", b"*;q=0")),
    (b"Connection", (b"keep-alive", b"close", b"Close", b"keep-alive, close", b"upgrade", b"x", b"",
                     b"close, Authorization", b"TE")),
    (b"Content-Encoding", (b"identity", b"gzip", b"")),
    (b"Cookie", (b"a=b", b"session=" + b"x" * 2000)),
    (b"Expect", (b"100-continue", b"100-Continue", b"200-ok", b"")),
    (b"If-Match", (b"*", b"\"1\"", b"W/\"1\"", b"\"1\", \"2\"", b"\"", b"", b"\"a\"" * 400)),
    (b"If-None-Match", (b"*", b"\"1\"", b"W/\"1\"", b"\"1\",,\"2\"", b"x", b"\"\xff\"")),
    (b"If-Modified-Since", (b"Mon, 01 Jan 2024 00:00:00 GMT", b"never")),
    (b"Last-Event-ID", (b"0", b"1", b"-1", b"99999999999999999999", b"x", b"\xff", b"")),
    (b"Origin", (b"https://example.com", b"null", b"http://[::1", b"\xff")),
    (b"Access-Control-Request-Method", (b"PUT", b"")),
    (b"Range", (b"bytes=0-1", b"bytes=" + b"0-," * 900)),
    (b"TE", (b"trailers",)), (b"Trailer", (b"Content-Length",)),
    (b"Transfer-Encoding", _ENCODINGS),
    (b"Upgrade", (b"websocket", b"h2c", b"TLS/1.0")),
    (b"HTTP2-Settings", (b"AAMAAABkAAQAAP__",)),
    (b"Sec-WebSocket-Key", (b"dGhlIHNhbXBsZSBub25jZQ==",)), (b"Sec-WebSocket-Version", (b"13",)),
    (b"User-Agent", (b"fuzz", b"", b"\xe9", b"\x1b[31m{\"level\":\"error\"}", b"u" * 4000)),
    (b"X-Forwarded-For", (b"203.0.113.9", b"::1", b"1.2.3.4, 127.0.0.1", b"127.0.0.1", b"x",
                          b"1.1.1.1," * 40, b"2001:db8::7%eth0", b"[::1]:80", b"")),
    (b"Forwarded", (b"for=127.0.0.1",)), (b"X-Real-IP", (b"127.0.0.1",)),
    (b"X-HTTP-Method-Override", (b"DELETE",)),
    (b"traceparent", (b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", b"00-0-0-0", b"",
                      b"ff-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00", b"00-" + b"g" * 51)),
    (b"tracestate", (b"a=b",)), (b"grpc-timeout", (b"1n",)),
    (b"grpc-status-details-bin", (b"AAAA",)), (b"X-Fuzz", (b"1",)),
)


def damage(grammar, random, request):
    """Does it."""
    ways = (_json, _json, _target, _target, _query, _fields, _fields, _token, _length, _encoding,
            _first_line, _lines, _body)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        random.choice(ways)(grammar, random, request)


def _json(grammar, random, request):
    value = grammar.body(random, request.operation) or {"a": 1}
    request.body = mutate.body(random, value)
    request.framing = random.choice(("length", "chunks"))


def _body(_grammar, random, request):
    """Another kind of body, or one where none is expected, or a long one."""
    request.framing = random.choice(("length", "chunks"))
    kind = random.randrange(8)
    if kind == 0:
        size = random.choice((1 << 16, 1 << 18, (1 << 20) + 1, (4 << 20) + 1))
        request.body = b'{"title":"long","content":"' + b"x" * size + b'"}'
    elif kind == 1:
        request.body = b"title=a&content=b"
    else:
        request.body = mutate.octets(random, request.body or b"{}")
    if random.random() < 0.5:
        request.fields = request.without(b"Content-Type")
        for _ in range(random.randint(0, 2)):
            request.fields.append((b"Content-Type", b" " + random.choice(_MEDIA_TYPES)))


def _target(_grammar, random, request):
    target = request.target
    request.target = random.choice((
        lambda: mutate.octets(random, target), lambda: mutate.octets(random, target, 1),
        lambda: b"*", lambda: b"", lambda: b"/", lambda: target + b"/", lambda: b"/" + target,
        lambda: b"http://127.0.0.1" + target, lambda: b"https://example.com:99999" + target,
        lambda: b"http://", lambda: b"://", lambda: b"//example.com" + target,
        lambda: b"127.0.0.1:80", lambda: target.replace(b"/", b"%2F", 1),
        lambda: target.replace(b"/", b"//"), lambda: target.replace(b"/", b"/./"),
        lambda: target.replace(b"/", b"/../"), lambda: target.upper(),
        lambda: b"".join(b"%%%02x" % octet for octet in target),
        lambda: target + b"#part", lambda: target + b"%00", lambda: target + b"\xff\xfe",
        lambda: target + b"/" + b"a" * random.choice((200, 4000, 9000, 17000)),
        lambda: target + b"/%", lambda: target + b";v=1",
        lambda: b"/docs/../../../etc/passwd", lambda: b"/docs/..%2f..%2fmain.c",
    ))()


def _query(grammar, random, request):
    pieces = []
    for _ in range(random.choice((1, 2, 3, 40))):
        name = random.choice(_QUERY_NAMES)
        value = mutate.text(random, str(grammar.value(random, name, {})))
        quote = random.choice((urllib.parse.quote, urllib.parse.quote_plus,
                               lambda text: text.replace(" ", "+").replace("\r\n", "%0d%0a")))
        pieces.append(quote(name) + random.choice(("=", "=", "", "==")) + quote(value))
    query = random.choice(("&", "&", "&&", ";")).join(pieces).encode()
    request.target += (b"&" if b"?" in request.target else b"?") + query[:12000]
    if random.random() < 0.3:
        request.target = mutate.octets(random, request.target)


def _changed(request, wanted, change):
    """The fields, those of one name changed."""
    return [(name, change(value) if name == wanted else value) for name, value in request.fields]


def _fields(_grammar, random, request):
    for _ in range(random.choice((1, 1, 2, 4))):
        name, values = random.choice(_FIELDS)
        value = random.choice(values)
        if random.random() < 0.2:
            value = mutate.octets(random, value)
        request.insert(random, name, random.choice((b" ", b" ", b"", b"\t", b"   ")) + value)
    kind = random.randrange(12)
    if kind == 0:
        request.fields += [(b"X-Many-%d" % number, b" 1")
                           for number in range(random.choice((50, 60, 64, 200)))]
    elif kind == 1:
        request.fields.append((b"X-Long", b" " + b"v" * random.choice((8000, 16000, 20000))))
    elif kind == 2:
        request.fields = request.without(
            random.choice((b"Host", b"Content-Type", b"Authorization")))
    elif kind == 3:
        request.fields.append(random.choice(request.fields))
    elif kind == 4:
        host = random.choice(_HOSTS)
        request.fields = _changed(request, b"Host", lambda _: b" " + host)
    elif kind == 5:
        request.fields = [(random.choice((name.lower(), name.upper())), value + b" \t")
                          for name, value in request.fields]
    elif kind == 6:
        request.fields = _changed(request, b"X-Request-Id",
                                  lambda value: b" " + mutate.octets(random, value))


def _token(grammar, random, request):
    token = random.choice(grammar.world["tokens"] + grammar.world["refresh"]).encode()
    head, _, rest = token.partition(b".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=")
    value = random.choice((
        b"Bearer " + token, b"bearer  " + token, b"Bearer", b"Bearer ", b"Basic YTpi", token,
        b"Bearer " + mutate.octets(random, token), b"Bearer " + token + b".x", b"Bearer ..",
        b"Bearer " + none + b"." + rest.partition(b".")[0] + b".",
        b"Bearer " + head + b"." + b"A" * 7000, b"Bearer " + token + b", Bearer " + token,
        b"Bearer\t" + token, b"Bearer \xff"))
    request.fields = request.without(b"Authorization")
    request.fields += [(b"Authorization", b" " + value)] * random.choice((1, 1, 1, 2))


def _length(_grammar, random, request):
    """Content-Length that is not what it should be."""
    size = len(request.body)
    values = (b"%d" % size, b"%d" % (size + random.randint(1, 50)), b"%d" % max(size - 1, 0), b"0",
              b"+%d" % size, b"-1", b"0x%x" % size, b"%d, %d" % (size, size), b"%d abc" % size,
              b"", b"%d\x0b" % size, b"0%d" % size, b"18446744073709551616", b"9" * 500, b"4194305",
              b"%d;" % size, b"\"%d\"" % size, b"1e2", b"%d.0" % size)
    names = (b"Content-Length", b"content-length", b"Content-Length ", b"Content_Length",
             b"\tContent-Length")
    request.spoiled = True
    for value in random.sample(values, random.choice((1, 1, 1, 2))):
        request.fields.append((random.choice(names), b" " + value))


def _encoding(_grammar, random, request):
    """Transfer-Encoding that is not what it should be, or chunks that are not."""
    name = random.choice((b"Transfer-Encoding", b"transfer-encoding", b"Transfer-Encoding "))
    value = b" " + random.choice(_ENCODINGS + (b"chunked",) * 10)
    request.spoiled = True
    request.fields += [(name, value)] * random.choice((1, 1, 1, 2))
    body = chunks(random, request.body)
    kind = random.randrange(3)
    if kind == 0:
        body = mutate.octets(random, body, 2)
    elif kind == 1:
        body = random.choice((
            body.replace(b"\r\n", b"\n"), b"-1\r\n" + body, b"0x1\r\n" + body,
            b" 1\r\nx\r\n" + body, b"1 \r\nx\r\n" + body, b"1\r\nxy\r\n" + body, b"\r\n" + body,
            b"fffffffffffffffff\r\n" + body, b"ffffffffffffffff\r\n" + body, body[:-2], body[:-5],
            b"1;" + b"e" * 9000 + b"\r\nx\r\n" + body, b"00000000001\r\nx\r\n" + body,
            b"1\rx\r\n" + body, b"80000000\r\n" + body, body[:-2] + b"no field\r\n\r\n",
            body[:-2] + b"X-Fuzz: 1\r\nContent-Length: 3\r\n\r\n", body[:-2] + b" A: b\r\n\r\n",
            body[:-2] + b"T: " + b"t" * 9000 + b"\r\n\r\n"))
    request.body = body


def _first_line(_grammar, random, request):
    kind = random.randrange(4)
    if kind == 0:
        request.method = random.choice(METHODS)
    elif kind == 1:
        request.method = random.choice(_ODD_METHODS)
    elif kind == 2:
        request.version = random.choice(_ODD_VERSIONS)
    else:
        request.method += random.choice((b" ", b"\t", b"\r\n", b""))
        request.target = random.choice((b" ", b"\t", b"")) + request.target


def _lines(_grammar, random, request):
    """Lines that are no fields."""
    request.tail += random.choices(_LINES, k=random.choice((1, 1, 2)))
    if random.random() < 0.3:
        random.shuffle(request.fields)
