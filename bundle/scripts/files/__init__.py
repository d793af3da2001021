"""Files on a disk: atomic writes, locks, fingerprints, names, JSON and NIfTI bytes."""
