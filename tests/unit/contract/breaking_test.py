#!/usr/bin/python3
"""Today's contract against the released one (released.txtpb): nothing that clients rely on may go.

After a release, `bazel run //tests/unit/contract:release` writes today's contract as the released one.
"""

import os
import sys
import unittest

from google.protobuf import text_format

import breaking
from harness.contract import load

HERE = "tests/unit/contract/"
TODAY = "gen/inkmesh_contract_descriptor_set.binpb"


def today():
    with open(TODAY, "rb") as file:
        data = file.read()
    set_class, rule_class = load(data)
    return set_class.FromString(data), rule_class


def released(set_class):
    with open(HERE + "released.txtpb", encoding="utf-8") as file:
        return text_format.Parse(file.read(), set_class())


def release(path):
    """Writes today's contract, without comments, to `path`."""
    now, _ = today()
    kept = type(now)()
    for file in breaking.own_files(now, "inkmesh."):
        kept.file.add().CopyFrom(file)
        kept.file[-1].ClearField("source_code_info")
    with open(path, "w", encoding="utf-8") as file:
        file.write("# The released contract: see breaking_test.py.\n")
        file.write(text_format.MessageToString(kept))


class BreakingTest(unittest.TestCase):
    def setUp(self):
        now, self.rule_class = today()
        self.now = breaking.own_files(now, "inkmesh.")
        self.released = released(type(now))

    def changes(self, new):
        return list(breaking.breaking_changes(self.released.file, new, self.rule_class))

    def changed(self, change):
        """The lines for the released contract after `change` was made to its user.proto."""
        copy = type(self.released)()
        copy.CopyFrom(self.released)
        change(next(file for file in copy.file if file.name == "inkmesh/user/v1/user.proto"))
        return "\n".join(self.changes(copy.file))

    def test_today_breaks_nothing(self):
        self.assertEqual(self.changes(self.now), [])

    def test_breaking_changes_are_found(self):
        def user(file):
            return next(message for message in file.message_type if message.name == "User")

        def renumber(file):
            user(file).field[1].number = 9

        def retype(file):
            user(file).field[1].type = 12

        def rename(file):
            user(file).field[1].name = "name"

        def repeat(file):
            user(file).field[1].label = 3

        def remove_method(file):
            del file.service[0].method[0]

        def restream(file):
            file.service[0].method[0].server_streaming = True

        def reroute(file):
            file.service[0].method[0].options.Clear()

        for change, line in (
            (renumber, "User.username = 2: removed"),
            (retype, "User.username = 2: type changed"),
            (rename, "User.username = 2: name changed"),
            (repeat, "User.username = 2: label changed"),
            (remove_method, "UserService.Register: method removed"),
            (restream, "UserService.Register: server_streaming changed"),
            (reroute, "the route post /api/v1/auth/register was removed"),
        ):
            with self.subTest(change.__name__):
                self.assertIn(line, self.changed(change))

    def test_additions_and_reserved_removals_are_fine(self):
        def add(file):
            field = file.message_type[0].field.add()
            field.name, field.number, field.type = "more", 99, 9

        def reserve(file):
            message = file.message_type[0]
            field = message.field[0]
            message.reserved_range.add(start=field.number, end=field.number + 1)
            message.reserved_name.append(field.name)
            del message.field[0]

        self.assertEqual(self.changed(add), "")
        self.assertEqual(self.changed(reserve), "")


if __name__ == "__main__":
    if sys.argv[1:] == ["release"]:
        release(os.path.join(os.environ["BUILD_WORKSPACE_DIRECTORY"], HERE, "released.txtpb"))
    else:
        unittest.main(verbosity=2)
