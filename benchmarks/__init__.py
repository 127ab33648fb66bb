"""Times and accuracy of the solvers beside those of other programs: `python -m benchmarks`."""
