"""Results as DICOM objects: Parametric Map, Segmentation, Structured Report, Secondary Capture."""
