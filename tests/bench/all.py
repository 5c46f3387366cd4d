#!/usr/bin/python3
"""All parts, one after the other, and one report of them."""

import events
import gateway
import login
import memory
import scale
import write
from measure.bench import main

if __name__ == "__main__":
    main(__doc__, gateway.run, write.run, login.run, events.run, scale.run, memory.run)
