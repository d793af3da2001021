"""The audit of a site: do the thresholds hold on its own scans, and if not, where."""
