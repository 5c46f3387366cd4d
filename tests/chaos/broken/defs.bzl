"""Programs with a mistake, for the chaos suite to find."""

load("@rules_cc//cc:defs.bzl", "cc_binary")

def broken_program(name, original, main, deps):
    """A program that is built like the real one, but for one patched file.

    The linker takes the patched object, and then has no use for the one in the library. A patch
    that does not apply any more is a build that fails.

    Args:
      name: of the program, and of the patch.
      original: the file that NAME.patch is for.
      main: the program's own sources.
      deps: those of the program, and what the patched file needs.
    """
    native.genrule(
        name = name + "_source",
        testonly = True,
        srcs = [original, name + ".patch"],
        outs = [name + "_broken.c"],
        cmd = "cat $(location %s) >$@ && patch --silent --fuzz=0 $@ $(location %s.patch)" %
              (original, name),
    )
    cc_binary(
        name = name,
        testonly = True,
        srcs = [":" + name + "_source"] + main,
        deps = deps,
    )
