"""Repeatable measurements, each a ratio against a peer or a floor of the same run: `python -m benchmarks.NAME`."""
