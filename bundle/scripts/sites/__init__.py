"""What a site asks: do the thresholds hold on its scans, what would be found there, and what has changed."""
