"""Learns from healthy scans what is normal: normative map and thresholds."""
