"""Changes between two scans of a patient, or between two runs of a list."""
