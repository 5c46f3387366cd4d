"""What every part of the benchmark uses: load, what it costs, rounds, targets, and the report."""
