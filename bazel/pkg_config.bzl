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

_TARGET = """
cc_library(
    name = "%s",
    linkopts = %s,
    visibility = ["//visibility:public"],
)
"""

def _system_libraries_impl(ctx):
    build = """load("@rules_cc//cc:defs.bzl", "cc_library")\n"""
    for name, (module, linkopts, package) in LIBRARIES.items():
        result = ctx.execute(["pkg-config", "--libs", module])
        if result.return_code != 0:
            fail("pkg-config does not know '%s': apt-get install %s" % (module, package))
        libs = [word for word in result.stdout.strip().split(" ") if word]
        build += _TARGET % (name, linkopts or libs)
    ctx.file("BUILD", build)

system_libraries = repository_rule(
    implementation = _system_libraries_impl,
    local = True,
    doc = "Asks pkg-config for each library; a missing one fails with the package to install.",
)
