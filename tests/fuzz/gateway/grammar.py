"""Requests of all routes that /openapi.json has, as the contract has them, and as bytes."""

import urllib.parse
from dataclasses import dataclass, field

import mutate

METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
# Paths that the document does not tell of.
_MORE_PATHS = ("/docs/swagger-ui.css", "/docs/none", "/")


@dataclass
class Request:
    """One request in its parts, each of which may be wrong."""

    method: bytes
    target: bytes
    fields: list
    operation: dict           # what the contract says of it
    version: bytes = b"HTTP/1.1"
    body: bytes = b""
    framing: str = "none"     # or "length" or "chunks": how the body is sent
    spoiled: bool = False     # it is framed already, wrongly perhaps
    tail: list = field(default_factory=list)  # lines behind all others, as they stand

    def insert(self, random, name, value):
        """A field, somewhere."""
        self.fields.insert(random.randint(0, len(self.fields)), (name, value))

    def without(self, *names):
        """The fields that have none of these names."""
        return [pair for pair in self.fields if pair[0] not in names]

    def octets(self, random):
        """The request as it is sent."""
        body = self.body
        if not self.spoiled and self.framing == "length":
            self.insert(random, b"Content-Length", b" %d" % len(body))
        elif not self.spoiled and self.framing == "chunks":
            self.insert(random, b"Transfer-Encoding", b" chunked")
            body = chunks(random, body)
        lines = [b" ".join((self.method, self.target, self.version))]
        lines += [name + b":" + value for name, value in self.fields] + self.tail
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunks(random, body):
    """`body` in chunks."""
    out, at = [], 0
    while at < len(body):
        most = random.choice((1, 7, 100, 100000)) if len(out) < 200 else len(body)
        size = random.randint(1, min(len(body) - at, most))
        form = random.choice((b"%x", b"%X", b"%04x")) % size
        extension = random.choice((b";a", b";a=b", b" ;a=\"b\"")) if random.random() < 0.1 else b""
        out.append(form + extension + b"\r\n" + body[at:at + size] + b"\r\n")
        at += size
    trailer = b"X-Fuzz: trailer\r\n" if random.random() < 0.1 else b""
    return b"".join(out) + b"0\r\n" + trailer + b"\r\n"


class Grammar:
    """Makes requests. `document`: /openapi.json; `world`: what exists, as lists of texts: "tokens",
    "users", "blogs" (those that may change and those that do not), "notifications", "refresh",
    "pages", "etags", and an "account" with email and password."""

    def __init__(self, document, world):
        self.document, self.world = document, world
        self._operations = [(verb.upper().encode(), path, operation)
                            for path, item in document["paths"].items()
                            for verb, operation in item.items()
                            if verb.encode().upper() in METHODS]
        self._operations += [(b"GET", path, {}) for path in _MORE_PATHS]
        account, own = world["account"], world["users"][:1]
        self._known = {
            "id": world["blogs"] + world["notifications"], "authorId": own, "userId": own,
            "email": [account["email"]], "password": [account["password"]],
            "refreshToken": world["refresh"], "pageToken": ["", *world["pages"]],
            "If-Match": world["etags"], "If-None-Match": world["etags"],
            "lastEventId": ["0", "7"], "Last-Event-ID": ["0", "7"], "type": ["in-app", "email"],
            "q": ["bees", '"bees" -wasps or honey'],
        }

    def _schema(self, schema):
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def value(self, random, name, schema):
        """A value for the field or parameter `name`."""
        if name in self._known:
            return random.choice(self._known[name])
        schema = self._schema(schema)
        if schema.get("enum"):
            return random.choice(schema["enum"])
        if schema.get("type") in ("integer", "number"):
            return random.randint(max(schema.get("minimum", 0), 0),
                                  min(schema.get("maximum", 9), 99))
        if schema.get("type") == "boolean":
            return random.random() < 0.5
        return random.choice(schema.get("examples", ["some text"])) + " é" * random.randint(0, 3)

    def body(self, random, operation):
        """What its body may have; {} when it has none."""
        content = operation.get("requestBody", {}).get("content", {})
        schema = self._schema(content.get("application/json", {}).get("schema", {}))
        made = {name: self.value(random, name, inner)
                for name, inner in schema.get("properties", {}).items()
                if name in schema.get("required", []) or random.random() < 0.5}
        if "username" in made:
            number = random.randrange(10**9)
            made.update(username=f"fuzz{number}", email=f"fuzz{number}@example.com")
        return made

    def request(self, random, tag):
        """A right request; `tag` becomes its id."""
        verb, path, operation = random.choice(self._operations)
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
        request = Request(verb, target.encode(), fields, operation)
        if "requestBody" in operation:
            fields.append((b"Content-Type", b" application/json"))
            made = mutate.pairs(self.body(random, operation))
            request.body = mutate.dump(random, made).encode()
            request.framing = random.choice(("length", "length", "chunks"))
        return request
