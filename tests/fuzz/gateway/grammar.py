"""Requests of all routes that /openapi.json has, right ones and damaged ones."""

import base64
import urllib.parse
from dataclasses import dataclass, field

import mutate

_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
_ODD_METHODS = (b"TRACE", b"CONNECT", b"PROPFIND", b"BREW", b"get", b"G" * 3000, b"", b"GE\tT", b"G(T",
                b"PRI", b"\x16\x03\x01", b"-", b"GET\0")
_ODD_VERSIONS = (b"HTTP/1.0", b"HTTP/1.2", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/1.10", b"http/1.1",
                 b"HTTP/1.1 ", b"HTTP/", b"", b"HTTP/1.1\0", b"ICY/1.1", b"HTTP/1,1", b"HTTP/-1.1")
_ODD_ENCODINGS = (b"chunked", b"Chunked", b"chunked, chunked", b"gzip, chunked", b"identity", b"xchunked",
                  b"chunked;q=1", b"\x0bchunked", b"", b"chunked,", b"'chunked'")
# What clients and proxies send beside the necessary, and what they should not.
_HEADERS = (
    (b"Accept", (b"*/*", b"application/json", b"text/html;q=0.9", b"application/x-ndjson", b"x" * 3000)),
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
    (b"Transfer-Encoding", _ODD_ENCODINGS),
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


@dataclass
class Request:
    """One request in its parts, each of which may be wrong."""

    method: bytes
    target: bytes
    fields: list
    version: bytes = b"HTTP/1.1"
    body: bytes = b""
    framing: str = "none"  # or "length" or "chunks": how the body is sent
    tail: list = field(default_factory=list)  # lines behind all others, as they stand
    spoiled: bool = False  # the body's own framing is right no more

    def head(self):
        lines = [b" ".join((self.method, self.target, self.version))]
        lines += [name + b":" + value for name, value in self.fields] + self.tail
        return b"\r\n".join(lines) + b"\r\n\r\n"


class Grammar:
    """Makes requests. `document`: /openapi.json; `world`: what exists, as lists of texts: "tokens",
    "blogs" (those that may change and those that do not), "notifications", "refresh", "pages", "etags",
    and an "account" with email and password."""

    def __init__(self, document, world):
        self.document, self.world = document, world
        self.operations = [(verb.upper().encode(), path, operation)
                           for path, item in document["paths"].items()
                           for verb, operation in item.items() if verb.encode().upper() in _METHODS]
        self.operations += [(b"GET", path, {}) for path in ("/docs/swagger-ui.css", "/docs/none", "/")]

    # Right ones.

    def _schema(self, schema):
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def value(self, random, name, schema):
        """A value for the field or parameter `name`."""
        world, account = self.world, self.world["account"]
        known = {"id": world["blogs"] + world["notifications"], "email": [account["email"]],
                 "password": [account["password"]], "authorId": world["users"][:1],
                 "userId": world["users"][:1], "refreshToken": world["refresh"],
                 "pageToken": ["", *world["pages"]], "lastEventId": ["0", "7"],
                 "If-Match": world["etags"], "If-None-Match": world["etags"],
                 "Last-Event-ID": ["0", "7"], "q": ["bees", '"bees" -wasps or honey'],
                 "type": ["in-app", "email"]}
        schema = self._schema(schema)
        if name in known:
            return random.choice(known[name])
        if schema.get("enum"):
            return random.choice(schema["enum"])
        kind = schema.get("type")
        if kind in ("integer", "number"):
            return random.randint(max(schema.get("minimum", 0), 0), min(schema.get("maximum", 9), 99))
        if kind == "boolean":
            return random.random() < 0.5
        return random.choice(schema.get("examples", ["some text"])) + " é" * random.randint(0, 3)

    def right(self, random, tag):
        """A request as the contract has it; `tag` becomes its id."""
        verb, path, operation = random.choice(self.operations)
        if verb == b"GET" and random.random() < 0.1:
            verb = b"HEAD"
        query, fields = [], [(b"Host", b" 127.0.0.1"), (b"X-Request-Id", b" " + tag)]
        for parameter in operation.get("parameters", []):
            name, place = parameter["name"], parameter["in"]
            if place != "path" and random.random() < 0.6:
                continue
            value = str(self.value(random, name, parameter.get("schema", {})))
            if place == "path":
                path = path.replace("{" + name + "}", value)
            elif place == "query":
                query.append((name, value))
            else:
                fields.append((name.encode(), b" " + value.encode()))
        target = path + ("?" + urllib.parse.urlencode(query) if query else "")
        if operation.get("security") or random.random() < 0.1:
            fields.append((b"Authorization", b" Bearer " + self.world["tokens"][0].encode()))
        request = Request(verb, target.encode(), fields)
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            fields.append((b"Content-Type", b" application/json"))
            request.body = mutate.dump(random, mutate.pairs(self._body(random, content["schema"],
                                                                       path))).encode()
            request.framing = random.choice(("length", "length", "chunks"))
        return request

    def _body(self, random, schema, path):
        schema = self._schema(schema)
        made = {name: self.value(random, name, inner)
                for name, inner in schema.get("properties", {}).items()
                if name in schema.get("required", []) or random.random() < 0.5}
        if path.endswith("/register"):
            number = random.randrange(10**9)
            made.update(username=f"fuzz{number}", email=f"fuzz{number}@example.com")
        return made

    # Damaged ones.

    def damaged(self, random, tag):
        request = self.right(random, tag)
        ways = (self._body_damage, self._body_damage, self._target, self._target, self._query,
                self._fields, self._fields, self._token, self._length, self._encoding, self._line,
                self._lines, self._other_body)
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            random.choice(ways)(random, request)
        return request

    def _body_damage(self, random, request):
        operation = self._operation(request)
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        value = self._body(random, schema.get("schema", {}), request.target.decode("latin-1")) or {"a": 1}
        request.body = mutate.body(random, value)
        request.framing = random.choice(("length", "chunks"))

    def _operation(self, request):
        for verb, path, operation in self.operations:
            if verb == request.method and path.encode() == request.target:
                return operation
        return {}

    def _other_body(self, random, request):
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
            request.fields = [pair for pair in request.fields if pair[0] != b"Content-Type"]
            request.fields += [(b"Content-Type", b" " + random.choice((
                b"text/plain", b"application/json; charset=utf-8", b"application/json;charset=utf-16",
                b"APPLICATION/JSON", b"application/jsonx", b"", b"multipart/form-data; boundary=x",
                b"application/json, text/plain", b"application/json;" + b";" * 500)))] * random.randint(0, 2)

    def _target(self, random, request):
        target = request.target
        request.target = random.choice((
            lambda: mutate.octets(random, target), lambda: mutate.octets(random, target, 1),
            lambda: b"*", lambda: b"", lambda: b"/", lambda: target + b"/", lambda: b"/" + target,
            lambda: b"http://127.0.0.1" + target, lambda: b"https://example.com:99999" + target,
            lambda: b"http://", lambda: b"://", lambda: b"//example.com" + target, lambda: b"127.0.0.1:80",
            lambda: target.replace(b"/", b"%2F", 1), lambda: target.replace(b"/", b"//"),
            lambda: target.replace(b"/", b"/./"), lambda: target.replace(b"/", b"/../"),
            lambda: b"".join(b"%%%02x" % octet for octet in target),
            lambda: target + b"#part", lambda: target + b"%00", lambda: target + b"\xff\xfe",
            lambda: target + b"/" + b"a" * random.choice((200, 4000, 9000, 17000)),
            lambda: target + b"/%" , lambda: target.upper(), lambda: target + b";v=1",
            lambda: b"/docs/../../../etc/passwd", lambda: b"/docs/..%2f..%2fmain.c",
        ))()

    def _query(self, random, request):
        names = ["pageSize", "page_size", "q", "pageToken", "authorId", "id", "updateMask", "lastEventId",
                 "a.b.c", "", "title", "q[]", "\0", "x" * 3000]
        pieces = []
        for _ in range(random.choice((1, 2, 3, 40))):
            name = random.choice(names)
            value = mutate.text(random, str(self.value(random, name, {})))
            quote = random.choice((urllib.parse.quote, urllib.parse.quote_plus,
                                   lambda text: text.replace(" ", "+").replace("\r\n", "%0d%0a")))
            pieces.append(quote(name) + random.choice(("=", "=", "", "==")) + quote(value))
        query = random.choice(("&", "&", "&&", ";")).join(pieces).encode("utf-8", "surrogateescape")
        request.target += (b"&" if b"?" in request.target else b"?") + query[:12000]
        if random.random() < 0.3:
            request.target = mutate.octets(random, request.target)

    def _fields(self, random, request):
        for _ in range(random.choice((1, 1, 2, 4))):
            name, values = random.choice(_HEADERS)
            value = random.choice(values)
            if random.random() < 0.2:
                value = mutate.octets(random, value)
            blank = random.choice((b" ", b" ", b"", b"\t", b"   "))
            request.fields.insert(random.randint(0, len(request.fields)), (name, blank + value))
        kind = random.randrange(12)
        if kind == 0:
            request.fields += [(b"X-Many-%d" % number, b" 1")
                               for number in range(random.choice((50, 60, 64, 200)))]
        elif kind == 1:
            request.fields.append((b"X-Long", b" " + b"v" * random.choice((8000, 16000, 20000))))
        elif kind == 2:
            request.fields = [pair for pair in request.fields
                              if pair[0] != random.choice((b"Host", b"Content-Type", b"Authorization"))]
        elif kind == 3:
            request.fields.append(random.choice(request.fields or [(b"Host", b" h")]))
        elif kind == 4:
            request.fields = [(name, value.replace(b"127.0.0.1", random.choice((
                b"", b"a,b", b"a b", b"[::1]:99999", b"h:x", b"\xff", b"user@h", b"h/../x", b"x" * 9000))))
                if name == b"Host" else (name, value) for name, value in request.fields]
        elif kind == 5:
            request.fields = [(name.lower() if random.random() < 0.5 else name.upper(), value + b" \t")
                              for name, value in request.fields]
        elif kind == 6:
            request.fields = [(name, b" " + mutate.octets(random, value))
                              if name == b"X-Request-Id" else (name, value) for name, value in request.fields]

    def _token(self, random, request):
        token = random.choice(self.world["tokens"] + self.world["refresh"]).encode()
        head, _, rest = token.partition(b".")
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=")
        value = random.choice((
            b"Bearer " + token, b"bearer  " + token, b"Bearer", b"Bearer ", b"Basic YTpi", token,
            b"Bearer " + mutate.octets(random, token), b"Bearer " + token + b".x", b"Bearer ..",
            b"Bearer " + none + b"." + rest.partition(b".")[0] + b".", b"Bearer " + head + b"." + b"A" * 7000,
            b"Bearer " + token + b", Bearer " + token, b"Bearer\t" + token, b"Bearer \xff"))
        request.fields = [pair for pair in request.fields if pair[0] != b"Authorization"]
        request.fields += [(b"Authorization", b" " + value)] * random.choice((1, 1, 1, 2))

    def _length(self, random, request):
        """Content-Length that is not what it should be."""
        size = len(request.body)
        request.spoiled = True
        values = [b"%d" % size, b"%d" % (size + random.randint(1, 50)), b"%d" % max(size - 1, 0), b"0",
                  b"+%d" % size, b"-1", b"0x%x" % size, b"%d, %d" % (size, size), b"%d abc" % size, b"",
                  b"%d\x0b" % size, b"0%d" % size, b"18446744073709551616", b"9" * 500, b"4194305",
                  b"%d;" % size, b"\"%d\"" % size, b"1e2", b"%d.0" % size]
        chosen = random.sample(values, random.choice((1, 1, 1, 2)))
        request.fields += [(random.choice((b"Content-Length", b"content-length", b"Content-Length ",
                                           b"Content_Length", b"\tContent-Length")), b" " + value)
                           for value in chosen]

    def _encoding(self, random, request):
        """Transfer-Encoding that is not what it should be, or chunks that are not."""
        request.spoiled = True
        request.fields += [(random.choice((b"Transfer-Encoding", b"transfer-encoding", b"Transfer-Encoding ")),
                            b" " + random.choice(_ODD_ENCODINGS))] * random.choice((1, 1, 2))
        body = chunks(random, request.body)
        if random.random() < 0.7:
            body = mutate.octets(random, body, 2) if random.random() < 0.5 else random.choice((
                body.replace(b"\r\n", b"\n"), b"-1\r\n" + body, b"0x1\r\n" + body, b" 1\r\nx\r\n" + body,
                b"fffffffffffffffff\r\n" + body, b"ffffffffffffffff\r\n" + body, body[:-2], body[:-5],
                b"1;" + b"e" * 9000 + b"\r\nx\r\n" + body, b"00000000001\r\nx\r\n" + body,
                b"1 \r\nx\r\n" + body, b"1\r\nxy\r\n" + body, b"\r\n" + body, b"1\rx\r\n" + body,
                body[:-2] + b"X-Fuzz: 1\r\nContent-Length: 3\r\n\r\n", body[:-2] + b"no field\r\n\r\n",
                body[:-2] + b"T: " + b"t" * 9000 + b"\r\n\r\n", b"80000000\r\n" + body))
        request.body = body

    def _line(self, random, request):
        kind = random.randrange(4)
        if kind == 0:
            request.method = random.choice(_METHODS)
        elif kind == 1:
            request.method = random.choice(_ODD_METHODS)
        elif kind == 2:
            request.version = random.choice(_ODD_VERSIONS)
        else:
            request.method += random.choice((b" ", b"\t", b"\r\n", b""))
            request.target = random.choice((b" ", b"\t", b"")) + request.target

    def _lines(self, random, request):
        """Lines that are no fields."""
        request.tail += random.choices((
            b" folded", b"\tfolded", b"no colon", b": no name", b"Name : value", b"N\xc3\xa9: value",
            b"A: b\nX-Fuzz: c", b"A: b\rX-Fuzz: c", b"A: \0b", b"\0: b", b"A\0B: c", b"A: b\r", b"A:b",
            b"A: \x01\x7f\xff", b"()<>@: x", b"Host: other", b"A;b: c", b"\"A\": b"),
            k=random.choice((1, 1, 2)))
        if random.random() < 0.3:
            random.shuffle(request.fields)


def chunks(random, body, tidy=False):
    """`body` in chunks."""
    out, at = [], 0
    while at < len(body):
        size = random.randint(1, max(1, min(len(body) - at, random.choice((1, 7, 100, 100000)))))
        if len(out) > 200:
            size = len(body) - at
        extension = b"" if tidy or random.random() < 0.9 else random.choice((b";a", b";a=b", b";a=\"b\""))
        form = random.choice((b"%x", b"%X", b"%04x")) % size
        out.append(form + extension + b"\r\n" + body[at:at + size] + b"\r\n")
        at += size
    trailer = b"" if tidy or random.random() < 0.9 else b"X-Fuzz: trailer\r\n"
    return b"".join(out) + b"0\r\n" + trailer + b"\r\n"


def octets(random, request):
    """The request as it is sent."""
    body = request.body
    if not request.spoiled and request.framing == "length":
        request.fields.insert(random.randint(0, len(request.fields)),
                              (b"Content-Length", b" %d" % len(body)))
    elif not request.spoiled and request.framing == "chunks":
        request.fields.insert(random.randint(0, len(request.fields)), (b"Transfer-Encoding", b" chunked"))
        body = chunks(random, body)
    return request.head() + body
