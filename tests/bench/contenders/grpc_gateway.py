"""grpc-gateway v2, generated from our contract and compiled where it runs: the rival in Go."""

import os
import shutil
import subprocess

from harness import ports
from harness.program import Program
from harness.tools import tool
from harness.waiting import HarnessError
from local import state

from . import contract

NAME = "grpc-gateway"

_SOURCE = os.path.join(state.ROOT, "tests", "bench", "grpc_gateway")
_MODULE = "inkmesh/bench/grpc_gateway"
# The contract names no Go packages; neither is one of buf.validate's needed from elsewhere, when
# only the messages are.
_PACKAGES = {
    "inkmesh/blog/v1/blog.proto": "blog",
    "inkmesh/options/v1/options.proto": "options",
    "buf/validate/validate.proto": "validate",
}
_PLUGINS = ("go", "go-grpc", "grpc-gateway")


def _run(folder, *command, **env):
    done = subprocess.run(command, cwd=folder, env={**os.environ, **env}, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise HarnessError(f"{NAME}: {' '.join(command[:3])} ...: {done.stderr.strip()[-1000:]}")


def _generate(folder):
    """The Go code of the contract, with the plugins that go.mod names."""
    bin_folder = os.path.join(folder, "bin")
    _run(folder, tool("go"), "install", "tool", GOBIN=bin_folder)
    options = []
    for plugin in _PLUGINS:
        options += [f"--plugin={bin_folder}/protoc-gen-{plugin}", f"--{plugin}_out=.",
                    f"--{plugin}_opt=module={_MODULE}"]
        options += [f"--{plugin}_opt=M{proto}={_MODULE}/{package}"
                    for proto, package in _PACKAGES.items()]
    _run(folder, tool("protoc"), f"--descriptor_set_in={contract.descriptor_set()}", *options,
         *_PACKAGES)


def _build():
    """The program; Go's own cache makes this quick the second time."""
    folder = state.path("bench", "grpc_gateway")
    shutil.copytree(_SOURCE, folder, dirs_exist_ok=True)
    _generate(folder)
    program = os.path.join(folder, "bin", "grpc-gateway")
    _run(folder, tool("go"), "build", "-o", program, ".")
    return program


def make(folder, backend):
    port = ports.reserve()
    command = [_build(), "-listen", f"127.0.0.1:{port}", "-backend", backend]
    return Program(NAME, command, {}, port, log=f"{folder}/grpc-gateway.log")
