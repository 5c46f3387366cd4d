#!/usr/bin/python3
"""embed_sql.py NAME OUT.c OUT.h FILE.sql...: migrations as a C table, in order, with checksums. Files
that are misnamed, or numbers that are missing or used twice, fail the build."""

import hashlib
import os
import re
import sys

LINE = 1000  # C compilers promise to take string literals of a limited size, so we write pieces


def c_string(data):
    """The bytes as C string literals, one a line of the file."""
    out = []
    for line in data.split(b"\n"):
        line += b"\n"
        for at in range(0, len(line), LINE):
            piece = line[at : at + LINE]
            out.append('"' + "".join(c_char(byte) for byte in piece) + '"')
    return "\n        ".join(out)


def c_char(byte):
    """One byte inside a literal; octal escapes end by themselves, hexadecimal ones do not."""
    if byte == 10:
        return "\\n"
    if 32 <= byte < 127 and byte not in b'"\\?':
        return chr(byte)
    return f"\\{byte:03o}"


def main():
    name, out_c, out_h, *paths = sys.argv[1:]
    files = sorted(paths, key=os.path.basename)
    for number, path in enumerate(files, 1):
        base = os.path.basename(path)
        if not re.fullmatch(r"[0-9]{4}_[a-z0-9_]+\.sql", base):
            sys.exit(f"{path}: a migration is named like 0001_what_it_does.sql")
        if int(base[:4]) != number:
            sys.exit(f"{path}: the migration here must have number {number:04}")

    with open(out_h, "w", encoding="utf-8") as out:
        out.write('#pragma once\n\n#include "lib/db/migration.h"\n\n')
        out.write(f"extern const struct ink_db_migrations {name};\n")
    with open(out_c, "w", encoding="utf-8") as out:
        out.write('#include "lib/db/migration.h"\n\n')
        out.write("static const struct ink_db_migration items[] = {\n")
        for number, path in enumerate(files, 1):
            with open(path, "rb") as file:
                data = file.read()
            if b"\0" in data:
                sys.exit(f"{path}: has a NUL byte")
            out.write(
                f"    {{{number}, \"{os.path.basename(path)}\",\n"
                f"        \"{hashlib.sha256(data).hexdigest()}\",\n"
                f"        {c_string(data)}}},\n"
            )
        out.write("};\n\n")
        out.write(f"const struct ink_db_migrations {name} = {{items, {len(files)}}};\n")


main()
