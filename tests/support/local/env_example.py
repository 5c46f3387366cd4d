"""Builds the programs and prints .env.example, made from the programs' own tables of settings.

    PYTHONPATH=tests/support /usr/bin/python3 -m local.env_example >.env.example
"""

import subprocess
import sys

from harness.stack import SERVICES, TARGETS

_HEADER = """\
# Every setting of every program, with its default. Copied to .env and edited, this changes what
# `./inkmesh up` starts, except for addresses and secrets: those it chooses itself. `docker compose`
# reads .env too. It chooses no secrets, and does not start without those that have no "#" here.

# the passwords of docker compose's databases; letters and digits, for they become part of a URL
{passwords}
"""


def env_example(binary):
    """The text; `binary(name)` says where a program is."""
    passwords = (f"POSTGRES_PASSWORD_{service.name.upper()}=" for service in SERVICES)
    text, seen = _HEADER.format(passwords="\n".join(passwords)), set()
    for name in TARGETS:
        printed = subprocess.run([binary(name), "--print-env"], capture_output=True, text=True,
                                 check=True, env={}).stdout
        new = [entry for entry in printed.strip().split("\n\n") if entry not in seen]
        seen.update(new)
        text += "\n" + "\n\n".join(new) + "\n"
    return text


if __name__ == "__main__":
    from local import build
    build.build()
    sys.stdout.write(env_example(build.binary))
