"""A library built from Debian's source package, for when Debian's binary of it does not serve."""

def _debian_source_impl(ctx):
    script = ctx.path(Label("//bazel:debian_source.sh"))
    result = ctx.execute([script, ctx.attr.package, ctx.attr.version], timeout = 600)
    if result.return_code != 0:
        fail("cannot get the source of %s %s (needs dpkg-dev and a Debian mirror):\n%s%s" %
             (ctx.attr.package, ctx.attr.version, result.stdout, result.stderr))
    for archive, expected in ctx.attr.sha256.items():
        actual = ctx.execute(["sha256sum", archive]).stdout.split(" ")[0]
        if actual != expected:
            fail("%s has sha256 %s, not the pinned %s" % (archive, actual, expected))
    for patch in ctx.attr.patches:
        ctx.patch(patch, strip = 1)
    ctx.symlink(ctx.attr.build_file, "BUILD")

debian_source = repository_rule(
    implementation = _debian_source_impl,
    attrs = {
        "build_file": attr.label(mandatory = True),
        "package": attr.string(mandatory = True),
        "patches": attr.label_list(doc = "applied in this order, with source/ as the sources"),
        "sha256": attr.string_dict(mandatory = True, doc = "archive name: its sha256"),
        "version": attr.string(mandatory = True),
    },
    doc = "Fetches, checks and unpacks a Debian source package into source/.",
)
