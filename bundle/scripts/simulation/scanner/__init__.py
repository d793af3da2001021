"""The scanner: protocol, sampling, noise, artefacts, and the DICOM series that it writes."""
