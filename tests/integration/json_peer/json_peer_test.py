#!/usr/bin/python3
"""json_peer_test.py PEER DESCRIPTOR_SET: the JSON mapping of lib/transcode against the one of
Python's google.protobuf, over random messages, hand-written edge cases and damaged JSON.

Deliberate differences are marked in edge_cases.py; for damaged JSON they are in STRICTER below. The
seed is fixed (INKMESH_SEED sets another), so a failure can be repeated.
"""

import json
import math
import os
import random
import re
import struct
import subprocess
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

from edge_cases import REFUSED, SAME, cases

PACKAGE = "inkmesh.test.v1"
MESSAGES = 2500
DAMAGED = 4000

# What the C side may refuse although Python takes it: base64 with foreign bytes or bad padding,
# numbers as int() and float() take them, enum numbers with a fraction or out of range, times as
# strptime() takes them. Never for malformed JSON alone.
STRICTER = (
    "NUL is not allowed", "is there twice", "must be base64", "must be a whole number",
    "must be a number", "must be field paths", "must be a duration", "must be an RFC 3339",
    "must be one of",
)


class Peer:
    """The C side, one question at a time."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace")

    def ask(self, verb, kind, data):
        self.process.stdin.write(f"{verb} {PACKAGE}.{kind} {data.hex()}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if answer.startswith("OK"):
            return bytes.fromhex(answer[2:]), None
        if not answer.startswith("ERR"):
            raise SystemExit(f"the peer died on {verb} {kind} {data!r}")
        return None, json.loads(answer[4:])

    def close(self):
        self.process.stdin.close()
        if self.process.wait(timeout=10) != 0:
            raise SystemExit("the peer did not end well")


class Contract:
    def __init__(self, path):
        self.pool = descriptor_pool.Default()
        with open(path, "rb") as file:
            files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
        for file in files.file:
            if not file.name.startswith("google/protobuf/"):
                self.pool.Add(file)
            else:
                __import__(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
        self.factory = message_factory.MessageFactory(self.pool)

    def new(self, kind):
        name = kind if "." in kind else f"{PACKAGE}.{kind}"
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(name))()

    def parse(self, kind, text):
        """The message that Python reads from JSON bytes, or None."""
        message = self.new(kind)
        try:
            json_format.Parse(text.decode("utf-8"), message, max_recursion_depth=1000)
            if not message.IsInitialized():
                return None
        except (json_format.ParseError, UnicodeDecodeError, TypeError, ValueError, AttributeError,
                KeyError, OverflowError, RecursionError):
            return None
        return message


class Maker:
    """Random messages."""

    EDGES = {
        "int32": [0, 1, -1, 2**31 - 1, -(2**31)],
        "int64": [0, 1, -1, 2**63 - 1, -(2**63), 2**53 + 1],
        "uint32": [0, 1, 2**32 - 1],
        "uint64": [0, 1, 2**64 - 1, 2**53 + 1],
        "float": [0.0, 1.0, 0.1, 1e10, 1.5e-45, 1.17549435e-38, 3.4e38, 16777216.0, 16777217.0, math.inf, -math.inf, math.nan],
        "double": [0.0, 1.0, 0.1, 1e22, 1e23, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2.0**53, 2.0**53 + 2, math.inf, -math.inf, math.nan, 1 / 3],
    }
    ALPHABET = "abcXYZ 0129_-.,:;/\\\"'{}[]<>&\b\f\n\r\t\x01\x1f\x7f\x80éß€漢字😀\u2028\ufeff\ufffd\U0010ffff"

    def __init__(self, contract, chance):
        self.contract, self.chance = contract, chance

    def text(self):
        size = self.chance.choice([0, 1, 3, 7, 8, 9, 20, 200])
        alphabet = self.chance.choice([self.ALPHABET, "abcdefgh ", "é€😀"])
        return "".join(self.chance.choice(alphabet) for _ in range(size))

    def integer(self, name, low, high):
        pick = self.chance.random()
        if pick < 0.4:
            return self.chance.choice(self.EDGES[name])
        return self.chance.randint(low, high) if pick < 0.7 else self.chance.randint(max(low, -100), 100)

    def real(self, name, finite=False):
        form, bits = ("<f", 32) if name == "float" else ("<d", 64)
        while True:
            if self.chance.random() < 0.5:
                value = self.chance.choice(self.EDGES[name])
            else:
                raw = self.chance.getrandbits(bits).to_bytes(bits // 8, "little")
                value = struct.unpack(form, raw)[0]
            if name == "float" and math.isfinite(value) and abs(value) > 3.402823e38:
                continue
            if math.isnan(value):
                value = math.nan
            if not finite or math.isfinite(value):
                return value

    def scalar(self, field):
        cpp = field.cpp_type
        if cpp == field.CPPTYPE_INT32:
            return self.integer("int32", -(2**31), 2**31 - 1)
        if cpp == field.CPPTYPE_INT64:
            return self.integer("int64", -(2**63), 2**63 - 1)
        if cpp == field.CPPTYPE_UINT32:
            return self.integer("uint32", 0, 2**32 - 1)
        if cpp == field.CPPTYPE_UINT64:
            return self.integer("uint64", 0, 2**64 - 1)
        if cpp == field.CPPTYPE_FLOAT:
            return self.real("float")
        if cpp == field.CPPTYPE_DOUBLE:
            return self.real("double")
        if cpp == field.CPPTYPE_BOOL:
            return self.chance.random() < 0.5
        if cpp == field.CPPTYPE_ENUM:
            if field.enum_type.name == "NullValue":
                return 0
            return self.chance.choice([0, 1, 2, -3, 77, -(2**31)])
        if field.type == field.TYPE_BYTES:
            return self.chance.randbytes(self.chance.choice([0, 1, 2, 3, 4, 50]))
        return self.text()

    def message(self, message, depth):
        name = message.DESCRIPTOR.full_name
        special = getattr(self, "fill_" + name.rsplit(".", 1)[1].lower(), None)
        if name.startswith("google.protobuf.") and special is not None:
            message.SetInParent()
            return special(message, depth)
        for field in message.DESCRIPTOR.fields:
            required = field.label == field.LABEL_REQUIRED
            if required or self.chance.random() < 0.5:
                self.field(message, field, depth)
        message.SetInParent()
        return message

    def field(self, message, field, depth):
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self.entries(message, field, depth)
        repeated = field.label == field.LABEL_REPEATED
        if field.message_type is not None:
            if depth <= 0:
                return None
            if not repeated:
                return self.message(getattr(message, field.name), depth - 1)
            for _ in range(self.chance.choice([0, 1, 2, 5])):
                self.message(getattr(message, field.name).add(), depth - 1)
            return None
        if repeated:
            count = self.chance.choice([0, 1, 2, 4, 5, 9])
            getattr(message, field.name).extend(self.scalar(field) for _ in range(count))
        else:
            setattr(message, field.name, self.scalar(field))
        return None

    def entries(self, message, field, depth):
        key, value = (field.message_type.fields_by_name[part] for part in ("key", "value"))
        entries = getattr(message, field.name)
        for _ in range(self.chance.choice([0, 1, 3])):
            name = self.scalar(key)
            if value.message_type is None:
                entries[name] = self.scalar(value)
            elif depth > 0:
                self.message(entries[name], depth - 1)

    def fill_timestamp(self, message, _depth):
        message.seconds = self.chance.choice([0, -62135596800, 253402300799, self.chance.randint(-(10**10), 10**10)])
        message.nanos = self.nanos()

    def nanos(self):
        return self.chance.choice([0, 1, 999999999, 500000000, 123000, self.chance.randint(0, 999999999)])

    def fill_duration(self, message, _depth):
        sign = self.chance.choice([-1, 1])
        message.seconds = sign * self.chance.choice([0, 1, 315576000000 - 1, self.chance.randint(0, 10**6)])
        message.nanos = sign * self.nanos()

    def fill_fieldmask(self, message, _depth):
        paths = ["a", "foo_bar", "a.b_c.d", "x1.y2", "created_at"]
        message.paths.extend(self.chance.choice(paths) for _ in range(self.chance.choice([0, 1, 3])))

    def fill_any(self, message, depth):
        kinds = ["Scalars", "Item", "google.protobuf.Timestamp", "google.protobuf.StringValue",
                 "google.protobuf.Struct", "google.protobuf.Empty", "google.protobuf.Any"]
        if self.chance.random() < 0.1:
            return
        inner = self.contract.new(self.chance.choice(kinds))
        self.message(inner, depth - 1)
        message.Pack(inner)

    def fill_value(self, message, depth):
        pick = self.chance.choice(["null", "number", "text", "bool", "struct", "list"][: 6 if depth > 0 else 4])
        if pick == "null":
            message.null_value = 0
        elif pick == "number":
            message.number_value = self.real("double", finite=True)
        elif pick == "text":
            message.string_value = self.text()
        elif pick == "bool":
            message.bool_value = self.chance.random() < 0.5
        elif pick == "struct":
            self.fill_struct(message.struct_value, depth - 1)
        else:
            self.fill_listvalue(message.list_value, depth - 1)

    def fill_struct(self, message, depth):
        message.SetInParent()
        for _ in range(self.chance.choice([0, 1, 3])):
            self.fill_value(message.fields[self.text()], depth)

    def fill_listvalue(self, message, depth):
        message.SetInParent()
        for _ in range(self.chance.choice([0, 1, 3])):
            self.fill_value(message.values.add(), depth)


def canonical(message):
    """Bytes that are equal for equal messages, NaN included."""
    return message.SerializeToString(deterministic=True)


def strict_json(text):
    def twice(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    def never(name):
        raise ValueError(name)

    return json.loads(text.decode("utf-8"), object_pairs_hook=twice, parse_constant=never)


def same_json(ours, theirs):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same_json(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same_json, ours, theirs))
    numbers = (int, float)
    if isinstance(ours, numbers) and isinstance(theirs, numbers) and not isinstance(ours, bool):
        return ours == theirs or as_float(ours) == as_float(theirs)
    return type(ours) is type(theirs) and ours == theirs


def without_empty(value):
    """Without empty lists."""
    if not isinstance(value, dict):
        return value
    return {name: without_empty(inner) for name, inner in value.items() if inner != []}


def as_float(value):
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return value


class Test:
    def __init__(self, peer, contract, chance):
        self.peer, self.contract, self.chance = peer, contract, chance
        self.failures, self.checks = 0, 0
        self.corpus = []

    def check(self, good, *what):
        self.checks += 1
        if not good:
            self.failures += 1
            if self.failures <= 20:
                print("FAILED:", *what)

    def random_messages(self):
        kinds = ["Scalars", "Lists", "Item", "Maps", "Choice", "WellKnown", "Names", "Everything", "Old"]
        maker = Maker(self.contract, self.chance)
        for number in range(MESSAGES):
            kind = kinds[number % len(kinds)]
            message = maker.message(self.contract.new(kind), depth=5 if kind != "Everything" else 3)
            self.to_json(kind, message)
            self.from_json(kind, message)

    def to_json(self, kind, message):
        text, error = self.peer.ask("B", kind, message.SerializeToString())
        self.check(text is not None, kind, "to JSON:", error)
        if text is None:
            return
        try:
            ours = strict_json(text)
        except ValueError as problem:
            self.check(False, kind, "is no JSON:", problem, text)
            return
        theirs = json_format.MessageToDict(message, including_default_value_fields=kind != "Old")
        if kind == "Old":  # where Python would write the defaults of what is absent
            ours = without_empty(ours)
        self.check(same_json(ours, theirs), kind, "differs in JSON:\n", ours, "\n", theirs)
        if b'"nulls":[null' not in text:  # which Python writes, but does not read
            back = self.contract.parse(kind, text)
            self.check(back is not None and self.equal(back, message), kind, "is read back as another:", text)
        binary, error = self.peer.ask("J", kind, text)
        self.check(binary is not None, kind, "is not read back:", error, text)
        if binary is not None:
            mine = self.contract.new(kind)
            mine.ParseFromString(binary)
            self.check(self.equal(mine, message), kind, "comes back different:", text)

    def equal(self, one, other):
        """Equal, where Any may hold the same message in other bytes."""
        return canonical(one) == canonical(other) or same_json(
            json_format.MessageToDict(one), json_format.MessageToDict(other))

    def from_json(self, kind, message):
        options = {} if kind == "Old" else self.chance.choice([{}, {"indent": None}, {"preserving_proto_field_name": True},
                                      {"including_default_value_fields": True},
                                      {"ensure_ascii": False}, {"use_integers_for_enums": True}])
        text = json_format.MessageToJson(message, **options).encode()
        self.corpus.append((kind, text))
        binary, error = self.peer.ask("J", kind, text)
        self.check(binary is not None, kind, "from JSON:", error, text)
        if binary is None:
            return
        mine = self.contract.new(kind)
        mine.ParseFromString(binary)
        self.check(self.equal(mine, message), kind, "is read as another:", text)

    def edge_cases(self):
        for kind, text, verdict in cases():
            text = text.encode()
            binary, error = self.peer.ask("J", kind, text)
            theirs = self.contract.parse(kind, text)
            name = (kind, text[:200], verdict)
            if verdict == SAME:
                self.check((binary is None) == (theirs is None), *name, "ours:", error or binary, "theirs:", theirs)
            elif verdict == REFUSED:
                self.check(binary is None and theirs is not None, *name, "is no difference:", binary, theirs)
            else:
                self.check(binary is not None, *name, "refused:", error)
            if verdict == SAME and binary is not None and theirs is not None:
                self.same_message(kind, text, binary, theirs)

    def same_message(self, kind, text, binary, theirs):
        mine = self.contract.new(kind)
        try:
            mine.ParseFromString(binary)
        except DecodeError as error:
            self.check(False, kind, text, "became", binary, error)
            return
        self.check(self.equal(mine, theirs), kind, text[:200], "ours:", mine, "theirs:", theirs)

    def damaged(self):
        """JSON with a few bytes changed: what we accept Python must accept with the same meaning, and
        what only Python accepts we must refuse for a reason that we stand by."""
        small = [entry for entry in self.corpus if 2 < len(entry[1]) < 600]
        both = neither = stricter = 0
        for _ in range(DAMAGED):
            kind, text = self.chance.choice(small)
            text = self.damage(bytearray(text))
            binary, error = self.peer.ask("J", kind, text)
            theirs = self.contract.parse(kind, text)
            if binary is not None and theirs is not None:
                both += 1
                self.same_message(kind, text, binary, theirs)
            elif binary is None and theirs is None:
                neither += 1
            elif binary is None:
                stricter += 1
                self.check(any(reason in error for reason in STRICTER), kind, text, "refused:", error)
            else:
                self.check(self.may_take(text), kind, text, "taken although Python refuses it")
        print(f"damaged JSON: {both} taken and {neither} refused by both, {stricter} by us only")
        self.check(both > 100 and neither > 100, "the damage is one-sided")

    def damage(self, text):
        for _ in range(self.chance.choice([1, 1, 2, 3])):
            at = self.chance.randrange(len(text))
            pick = self.chance.random()
            if pick < 0.3:
                text[at] = self.chance.choice(b'{}[]",:0123456789.eE+-tfn\\u \n\x00\x80\xff')
            elif pick < 0.5:
                del text[at : at + self.chance.choice([1, 1, 4])]
            elif pick < 0.8:
                token = self.chance.choice(
                    [b",", b":", b"null", b"{}", b"[]", b'""', b"0", b"1.0", b"1e2", b"-", b"\\u0000", b"\\ud800",
                     b"true", b" ", b"\t", b'"a":1,', b"9" * 20, b".5", b"\xc3", b"\xc3\xa9"])
                text[at:at] = token
            else:
                other = self.chance.randrange(len(text))
                text[at], text[other] = text[other], text[at]
            if not text:
                text += b"{"
        return bytes(text)

    def may_take(self, text):
        """Whole numbers in quotes written as 1.0 or 1e2, and null in a list of NullValue."""
        return b'"nulls"' in text or re.search(rb'"-?\d+(\.0+|[eE]\+?\d+)"', text)


def main():
    peer, contract = Peer(sys.argv[1]), Contract(sys.argv[2])
    test = Test(peer, contract, random.Random(int(os.environ.get("INKMESH_SEED", "20261122"))))
    test.edge_cases()
    test.random_messages()
    test.damaged()
    peer.close()
    print(f"{test.checks} checks, {test.failures} failures")
    return 1 if test.failures else 0


sys.exit(main())
