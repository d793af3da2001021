"""Calibration on healthy scans: normative map and thresholds."""
