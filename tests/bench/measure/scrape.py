"""What programs tell of themselves in /metrics."""

import re
import urllib.request

from harness.waiting import HarnessError


def metric(program, name):
    """The value of a metric without labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{program.admin_port}/metrics",
                                timeout=5) as answer:
        found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.M)
    if not found:
        raise HarnessError(f"{program.name} has no metric {name}")
    return float(found.group(1))
