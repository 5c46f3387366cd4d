"""Tests that need real servers, and tests in Python."""

_TOOLS = ["//tests/support:harness"]

# What harness.kafka needs; a python_test that uses it names this in its data.
_KAFKA = ["@maven//:jars"]

def server_test(name, binary, servers = [], ports = 0, args = [], data = [], **kwargs):
    """Runs a C test program beside real servers.

    Args:
      name: of the test.
      binary: a cc_binary (testonly = True) whose exit code is the result; it uses
        tests/support/control.h, or the environment described in with_servers.py.
      servers: any of "postgres", "redis" and "kafka" (whose start takes some seconds).
      ports: how many free ports to name in INK_TEST_PORT_1 and on.
      args: further arguments of the program.
      data: files that it reads.
      **kwargs: of sh_test (size, timeout, tags).
    """
    native.sh_test(
        name = name,
        srcs = ["//tests/support:with_servers.py"],
        args = ["--" + server for server in servers] +
               (["--ports=%d" % ports] if ports else []) +
               ["--", "$(rootpath %s)" % binary] + args,
        data = [binary] + _TOOLS + data + (_KAFKA if "kafka" in servers else []),
        **kwargs
    )

def python_test(name, srcs, data = [], env = {}, **kwargs):
    """Runs the first of srcs, an executable Python script for /usr/bin/python3 (unittest).

    It imports the servers by `from harness.postgres import Postgres`, the other srcs of its own
    folder by name, and reads `data` below the current folder, which is the workspace's root.
    """
    native.sh_test(
        name = name,
        srcs = srcs[:1],
        data = srcs[1:] + data + _TOOLS,
        env = dict(env, PYTHONPATH = "tests/support:" + native.package_name()),
        **kwargs
    )
