#!/usr/bin/python3
"""embed_files.py NAME OUT.c OUT.h FILE...: files as a C table (gateway/explorer/files.h)."""

import hashlib
import os
import sys

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
}
LINE = 400


def c_char(byte):
    """One byte inside a literal; octal escapes of three digits end by themselves."""
    return chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"


def c_string(data):
    """The bytes as C string literals, some of them a line."""
    pieces = (data[at : at + LINE] for at in range(0, len(data), LINE))
    return "\n        ".join('"' + "".join(map(c_char, piece)) + '"' for piece in pieces)


def main():
    name, out_c, out_h, *paths = sys.argv[1:]
    with open(out_h, "w", encoding="ascii") as out:
        out.write('#pragma once\n\n#include "gateway/explorer/files.h"\n\n')
        out.write(f"extern const struct gateway_files {name};\n")
    with open(out_c, "w", encoding="ascii") as out:
        out.write('#include "gateway/explorer/files.h"\n\n')
        out.write("static const struct gateway_file list[] = {\n")
        for path in paths:
            with open(path, "rb") as file:
                data = file.read()
            base = os.path.basename(path)
            media_type = MEDIA_TYPES[os.path.splitext(base)[1]]
            etag = hashlib.sha256(data).hexdigest()[:32]
            out.write(f'    {{"{base}", "{media_type}", "\\"{etag}\\"",\n'
                      f"        {c_string(data)},\n        {len(data)}}},\n")
        out.write(f"}};\n\nconst struct gateway_files {name} = {{list, {len(paths)}}};\n")


main()
