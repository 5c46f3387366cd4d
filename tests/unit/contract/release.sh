#!/bin/sh
# Writes today's contract as the released one, which breaking_test.py compares with from then on.
PYTHONPATH=tests/support exec /usr/bin/python3 tests/unit/contract/breaking_test.py release
