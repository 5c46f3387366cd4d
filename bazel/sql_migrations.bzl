"""Numbered SQL files embedded into a program: see lib/db/migrate.h."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def sql_migrations(name, srcs, **kwargs):
    """`extern const struct ink_db_migrations NAME;` in "PACKAGE/NAME.h", from files 0001_x.sql, ..."""
    native.genrule(
        name = name + "_embed",
        srcs = srcs,
        outs = [name + ".c", name + ".h"],
        cmd = "$(location //bazel:embed_sql.py) %s $(OUTS) $(SRCS)" % name,
        tools = ["//bazel:embed_sql.py"],
    )
    cc_library(
        name = name,
        srcs = [name + ".c"],
        hdrs = [name + ".h"],
        deps = ["//lib/db:migration"],
        **kwargs
    )
