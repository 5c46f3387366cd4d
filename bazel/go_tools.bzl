"""Command-line clients written in Go, for tests: @go_tools//:NAME for each entry of `tools`."""

def _go_tools_impl(ctx):
    # -ldflags -s: without debug information, which nobody will read.
    environment = {"GOBIN": str(ctx.path(".")), "GOFLAGS": "-mod=mod -ldflags=-s"}
    for name, package in ctx.attr.tools.items():
        result = ctx.execute(["go", "install", package], environment = environment, timeout = 900)
        if result.return_code != 0:
            fail("go install %s (for %s; needs Debian's golang-go or newer):\n%s%s" %
                 (package, name, result.stdout, result.stderr))
    ctx.file("BUILD", """exports_files(%s, visibility = ["//visibility:public"])\n""" %
                      repr(ctx.attr.tools.keys()))

go_tools = repository_rule(
    implementation = _go_tools_impl,
    attrs = {"tools": attr.string_dict(mandatory = True, doc = "program: package@version")},
    doc = "Installs programs by their Go package paths, at pinned versions.",
)
