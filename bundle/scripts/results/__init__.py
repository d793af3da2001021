"""Writes and checks results: maps, picture, `result.json`, DICOM objects."""
