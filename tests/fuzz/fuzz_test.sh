#!/usr/bin/env bash
# fuzz_test.sh FUZZER CORPUS: under --config=fuzz, half a minute of fuzzing that starts from the
# corpus; else the corpus alone. What breaks it is kept beside the test's log.
set -euo pipefail
mkdir -p "$TEST_TMPDIR/new"
exec "$1" -max_total_time=30 -timeout=10 -rss_limit_mb=1024 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="${TEST_UNDECLARED_OUTPUTS_DIR:-$TEST_TMPDIR}/" "$TEST_TMPDIR/new" "$2"
