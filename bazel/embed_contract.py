#!/usr/bin/python3
"""embed_contract.py NAME DESCRIPTOR_SET OUT.c OUT.h: a FileDescriptorSet as a C constant, beside the
protobuf-c descriptors of every message, enum and service in it."""

import sys

from google.protobuf import descriptor_pb2


def c_name(full_name):
    """protobuf-c's spelling of a full name: a.b.CamelCase is a__b__camel_case."""
    out, was_upper = "", True
    for char in full_name:
        if char == ".":
            out, was_upper = out + "__", True
            continue
        if char.isupper():
            out += ("" if was_upper else "_") + char.lower()
        else:
            out += char
        was_upper = char.isupper()
    return out


def walk(prefix, messages, found):
    for message in messages:
        name = f"{prefix}.{message.name}" if prefix else message.name
        found["message"].append(name)
        found["enum"] += [f"{name}.{enum.name}" for enum in message.enum_type]
        walk(name, message.nested_type, found)


def main():
    name, source, out_c, out_h = sys.argv[1:]
    with open(source, "rb") as file:
        data = file.read()
    found = {"message": [], "enum": [], "service": []}
    headers = []
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        headers.append(file.name.removesuffix(".proto") + ".pb-c.h")
        found["enum"] += [f"{file.package}.{enum.name}" for enum in file.enum_type]
        found["service"] += [f"{file.package}.{service.name}" for service in file.service]
        walk(file.package, file.message_type, found)

    with open(out_h, "w", encoding="utf-8") as out:
        out.write(f"#pragma once\n\nextern const struct ink_contract_image {name};\n")
    with open(out_c, "w", encoding="utf-8") as out:
        out.write('#include "lib/contract/image.h"\n')
        out.write(f'#include "{name}.h"\n')
        out.writelines(f'#include "{header}"\n' for header in headers)
        out.write("\nstatic const unsigned char descriptor_set[] = {")
        for at in range(0, len(data), 20):
            out.write("\n    " + ",".join(str(byte) for byte in data[at : at + 20]) + ",")
        out.write("\n};\n")
        for kind, c_type in (
            ("message", "ProtobufCMessageDescriptor"),
            ("enum", "ProtobufCEnumDescriptor"),
            ("service", "ProtobufCServiceDescriptor"),
        ):
            out.write(f"\nstatic const {c_type} *const {kind}s[] = {{\n")
            out.writelines(f"    &{c_name(each)}__descriptor,\n" for each in found[kind])
            out.write("    0,\n};\n")
        out.write(
            f"\nconst struct ink_contract_image {name} = {{\n"
            "    .descriptor_set = descriptor_set,\n"
            "    .descriptor_set_size = sizeof(descriptor_set),\n"
            "    .messages = messages,\n    .enums = enums,\n    .services = services,\n};\n"
        )


main()
