"""The stages of `benchmarks/detection.py`, each of which keeps its results in files."""
