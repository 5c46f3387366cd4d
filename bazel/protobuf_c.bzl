"""From .proto files to C: protobuf-c code, descriptor sets, and contracts embedded into programs."""

load("@rules_cc//cc:defs.bzl", "cc_library")

# Where protoc looks for imports besides a target's own folder: (label of the files, path).
_SYSTEM_INCLUDE = "/usr/include"

def _proto_paths(ctx):
    root = ctx.attr.root
    own = "/".join([part for part in [ctx.label.workspace_root, root] if part]) or "."
    paths = [own]
    for dep in ctx.attr.imports:
        path = dep[ProtoRoot].path
        if path not in paths:
            paths.append(path)
    for file in ctx.files._maven:
        path = file.path.split("/protos/")[0] + "/protos"
        if path not in paths:
            paths.append(path)
        break
    return ["-I" + path for path in paths + [_SYSTEM_INCLUDE]]

ProtoRoot = provider(fields = ["path", "files"], doc = "A folder that .proto imports start from.")

def _proto_root_impl(ctx):
    return [
        DefaultInfo(files = depset(ctx.files.srcs)),
        ProtoRoot(path = ctx.label.package, files = depset(ctx.files.srcs)),
    ]

proto_root = rule(
    implementation = _proto_root_impl,
    attrs = {"srcs": attr.label_list(allow_files = [".proto"])},
    doc = "The .proto files below this package, imported by their path inside it.",
)

def _inputs(ctx):
    return depset(ctx.files._maven, transitive = [dep[ProtoRoot].files for dep in ctx.attr.imports])

_PROTO_ATTRS = {
    "imports": attr.label_list(providers = [ProtoRoot]),
    "protos": attr.string_list(mandatory = True, doc = "import paths"),
    "root": attr.string(),
    "_maven": attr.label(default = "@maven//:protos"),
}

# protoc-c names a struct's member after each method: one called Register would be a C keyword.
_PROTOC_C = """
set -eu
out=$1
shift
protoc-c "--c_out=$out" "$@"
for path in "$@"; do
    case $path in -I*) continue ;; esac
    sed -i -E 's/^(  void \\(\\*)(auto|break|case|continue|default|do|for|goto|if|register|return|static|switch|while)\\)/\\1\\2_)/' \
        "$out/${path%.proto}.pb-c.h"
done
"""

def _protobuf_c_sources_impl(ctx):
    outs = []
    for proto in ctx.attr.protos:
        stem = proto[:-len(".proto")]
        outs.append(ctx.actions.declare_file(stem + ".pb-c.c"))
        outs.append(ctx.actions.declare_file(stem + ".pb-c.h"))
    out_dir = "/".join([ctx.bin_dir.path, ctx.label.package])
    ctx.actions.run_shell(
        command = _PROTOC_C,
        arguments = [out_dir] + _proto_paths(ctx) + ctx.attr.protos,
        inputs = _inputs(ctx),
        outputs = outs,
        mnemonic = "ProtobufC",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset(outs))]

_protobuf_c_sources = rule(implementation = _protobuf_c_sources_impl, attrs = _PROTO_ATTRS)

def _descriptor_set_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".binpb")
    ctx.actions.run(
        executable = "protoc",
        arguments = _proto_paths(ctx) + [
            "--include_imports",
            "--include_source_info",
            "--descriptor_set_out=" + out.path,
        ] + ctx.attr.protos,
        inputs = _inputs(ctx),
        outputs = [out],
        mnemonic = "DescriptorSet",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

descriptor_set = rule(
    implementation = _descriptor_set_impl,
    attrs = _PROTO_ATTRS,
    doc = "NAME.binpb: the FileDescriptorSet of protos and all that they import, with comments.",
)

def protobuf_c_library(name, protos, imports, deps = [], **kwargs):
    """The protobuf-c code of protos, included by import path: "a/b.proto" is "a/b.pb-c.h"."""
    _protobuf_c_sources(name = name + "_sources", protos = protos, imports = imports)
    cc_library(
        name = name,
        srcs = [name + "_sources"],
        copts = ["-w"],
        includes = ["."],
        deps = deps + ["@system//:protobuf_c"],
        **kwargs
    )

# What every server and client needs beside its own messages: health, reflection, error details.
_ALWAYS = [
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "grpc/health/v1/health.proto",
    "grpc/reflection/v1/reflection.proto",
    "grpc/reflection/v1alpha/reflection.proto",
    "inkmesh/options/v1/options.proto",
]

_ALWAYS_DEPS = [
    "//gen:options",
    "//gen:well_known",
    "//lib/contract:image",
]

def embedded_contract(name, protos, imports, deps, **kwargs):
    """`extern const struct ink_contract_image NAME;` in "NAME.h": see lib/contract/contract.h."""
    descriptor_set(
        name = name + "_descriptor_set",
        imports = imports if "//proto" in imports else imports + ["//proto"],
        protos = protos + [proto for proto in _ALWAYS if proto not in protos],
    )
    native.genrule(
        name = name + "_embed",
        srcs = [name + "_descriptor_set"],
        outs = [name + ".c", name + ".h"],
        cmd = "$(location //bazel:embed_contract.py) %s $< $(OUTS)" % name,
        tools = ["//bazel:embed_contract.py"],
    )
    cc_library(
        name = name,
        srcs = [name + ".c"],
        hdrs = [name + ".h"],
        includes = ["."],
        deps = deps + [dep for dep in _ALWAYS_DEPS if dep not in deps],
        **kwargs
    )
