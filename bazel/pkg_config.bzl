"""Debian's C libraries as cc_library targets: @system//:NAME for each entry of LIBRARIES."""

# name: (pkg-config module, linkopts where the module's own list is too wide, Debian package)
LIBRARIES = {
    "cmocka": ("cmocka", [], "libcmocka-dev"),
    "curl": ("libcurl", [], "libcurl4-openssl-dev"),
    "grpc": ("grpc", ["-lgrpc", "-lgpr"], "libgrpc-dev"),
    "hiredis": ("hiredis", [], "libhiredis-dev"),
    "jwt": ("libjwt", ["-ljwt", "-ljansson"], "libjwt-dev"),
    "openssl": ("openssl", [], "libssl-dev"),
    "pcre2": ("libpcre2-8", [], "libpcre2-dev"),
    "pq": ("libpq", [], "libpq-dev"),
    "protobuf_c": ("libprotobuf-c", [], "libprotobuf-c-dev"),
    "rdkafka": ("rdkafka", [], "librdkafka-dev"),
    "xcrypt": ("libxcrypt", [], "libcrypt-dev"),
    "zlib": ("zlib", [], "zlib1g-dev"),
}

# Libraries of gRPC, by how their names begin, that -c opt takes into the programs: between a program
# and the C core, and inside that, calls are direct then, and one serves 11 % more. The others, OpenSSL
# above all, stay what apt keeps up to date.
TAKEN_IN = ("grpc", "gpr", "upb", "re2", "address_sorting", "absl_")

_HEAD = """load("@rules_cc//cc:defs.bzl", "cc_library")

config_setting(
    name = "optimised",
    values = {"compilation_mode": "opt"},
)
"""

_TARGET = """
cc_library(
    name = "%s",
    linkopts = select({
        ":optimised": %s,
        "//conditions:default": %s,
    }),
    visibility = ["//visibility:public"],
)
"""

def _ask(ctx, module, package, *flags):
    result = ctx.execute(["pkg-config", "--libs"] + list(flags) + [module])
    if result.return_code != 0:
        fail("pkg-config does not know '%s': apt-get install %s" % (module, package))
    return [word for word in result.stdout.strip().split(" ") if word]

def _archive(word):
    """-lNAME as the archive of that name, where it is to be taken in."""
    taken = word.startswith("-l") and word[2:].startswith(TAKEN_IN)
    return "-l:lib%s.a" % word[2:] if taken else word

def _optimised(ctx, name, module, package, linkopts):
    if name != "grpc":
        return linkopts
    words = [_archive(word) for word in _ask(ctx, module, package, "--static")]
    return words + ["-lstdc++", "-lm"]

def _system_libraries_impl(ctx):
    build = _HEAD
    for name, (module, linkopts, package) in LIBRARIES.items():
        linkopts = linkopts or _ask(ctx, module, package)
        build += _TARGET % (name, _optimised(ctx, name, module, package, linkopts), linkopts)
    ctx.file("BUILD", build)

system_libraries = repository_rule(
    implementation = _system_libraries_impl,
    local = True,
    doc = "Asks pkg-config for each library; a missing one fails with the package to install.",
)
