"""From a DICOM series or a NIfTI file to a volume in HU with its true geometry, or a refusal."""
