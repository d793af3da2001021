"""Many scans: the folder of a cohort, its table of scores, and their evaluation."""
