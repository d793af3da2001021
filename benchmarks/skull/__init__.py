"""The benchmark of fractures, see `benchmarks/fractures.py`: draw scans, measure their skulls, judge the scores."""
