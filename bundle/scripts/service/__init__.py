"""The DICOM node: receives studies, keeps them in a spool, sends results."""
