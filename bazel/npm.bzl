"""Programs from npm, for tests: @NAME//:node runs what is in @NAME//:node_modules."""

def _npm_packages_impl(ctx):
    for label in (ctx.attr.package, ctx.attr.lock, ctx.attr.npmrc):
        ctx.symlink(label, label.name)
    npm, node = ctx.which("npm"), ctx.which("node")
    if npm == None or node == None:
        fail("no npm or no node on PATH: install Debian's npm and nodejs (or newer ones)")

    # Exactly what the lock file names, by its hashes; nothing of it runs while it is installed.
    result = ctx.execute(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        timeout = 900,
    )
    if result.return_code != 0:
        fail("npm could not install what %s lists:\n%s%s" %
             (ctx.attr.lock, result.stdout, result.stderr))
    ctx.symlink(node, "node")

    # The folder as one label: thousands of files, which only go together.
    ctx.file("BUILD", """exports_files(["node", "node_modules"], visibility = ["//visibility:public"])\n""")

npm_packages = repository_rule(
    implementation = _npm_packages_impl,
    attrs = {
        "package": attr.label(mandatory = True, doc = "package.json"),
        "lock": attr.label(mandatory = True, doc = "package-lock.json, with a hash for each package"),
        "npmrc": attr.label(mandatory = True, doc = ".npmrc"),
    },
    doc = "Installs packages from npm at the versions of a lock file.",
)
