"""Benchmarks: what a user waits for, as a ratio to a baseline measured in the same run."""
