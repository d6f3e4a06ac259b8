"""The parts of `python -m tests.bench.serve`: contenders, load, memory, and the table."""
