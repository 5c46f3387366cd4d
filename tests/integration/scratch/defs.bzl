"""One program for several contracts."""

load("@rules_cc//cc:defs.bzl", "cc_binary")
load("//bazel:protobuf_c.bzl", "embedded_contract", "proto_root", "protobuf_c_library")

def notes_program(name, handlers = "handlers.c"):
    """program.c with this package's notes.proto and its handlers; what all packages build alike."""
    imports = [":protos", "//proto"]
    proto_root(name = "protos", srcs = ["notes.proto"])
    protobuf_c_library(
        name = "messages",
        imports = imports,
        protos = ["notes.proto"],
        deps = ["//gen:options"],
    )
    embedded_contract(
        name = "notes_contract",
        imports = imports,
        protos = ["notes.proto"],
        deps = [":messages"],
    )
    cc_binary(
        name = name,
        testonly = True,
        srcs = [
            handlers,
            "//tests/integration/scratch:program_sources",
        ],
        visibility = ["//tests/integration/scratch:__pkg__"],
        deps = [
            ":messages",
            ":notes_contract",
            "//gateway:edge",
            "//lib/mesh",
        ],
    )
