"""The limit: civetweb, which the gateway is built on, when all it does is to answer."""

from harness import ports
from harness.program import Program
from measure import limits

NAME = "constant"


def make(folder, body, threads):
    """It answers everything with `body`."""
    path = f"{folder}/constant.json"
    with open(path, "wb") as file:
        file.write(body)
    port = ports.reserve()
    return Program(NAME, [limits.make("constant"), str(port), str(threads), path], {}, port,
                   log=f"{folder}/constant.log")
