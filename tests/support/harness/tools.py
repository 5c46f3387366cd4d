"""Other people's programs that tests use."""

import os
import shutil
import subprocess

from .waiting import HarnessError


def tool(name):
    """The path of a program among the test's data (@go_tools//:NAME) or on PATH."""
    for path in (f"../go_tools/{name}", f"external/go_tools/{name}"):
        if os.path.exists(path):
            return os.path.abspath(path)
    found = shutil.which(name)
    if not found:
        raise HarnessError(f"no '{name}': neither among the test's data nor on PATH")
    return found


def run_tool(name, *args, **kwargs):
    """Runs it and returns the CompletedProcess, with its output as text."""
    return subprocess.run([tool(name), *args], capture_output=True, text=True, check=False,
                          timeout=kwargs.pop("timeout", 60), **kwargs)
