"""Fuzzers: programs of libFuzzer under --config=fuzz, and everywhere tests of their corpora."""

load("@rules_cc//cc:defs.bzl", "cc_binary")

def fuzzer(name, deps, srcs = [], **kwargs):
    """NAME_fuzz, from NAME_fuzz.c, and its test NAME_fuzz_test.

    Args:
      name: of the fuzzer; its seeds are in corpus/NAME.
      deps: what it tests.
      srcs: more sources.
      **kwargs: of cc_binary.
    """
    binary = name + "_fuzz"
    cc_binary(
        name = binary,
        testonly = True,
        srcs = [binary + ".c"] + srcs + select({
            ":fuzz": [],
            "//conditions:default": ["replay.c"],
        }),
        linkopts = select({
            ":fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = [":input"] + deps,
        **kwargs
    )
    native.sh_test(
        name = binary + "_test",
        srcs = ["fuzz_test.sh"],
        args = [
            "$(rootpath %s)" % binary,
            native.package_name() + "/corpus/" + name,
        ],
        data = [binary] + native.glob(["corpus/%s/*" % name]),
        timeout = "moderate",
    )
