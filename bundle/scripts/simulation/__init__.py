"""Simulated head CT: anatomy (label maps to tissue), lesions, and the scanner that looks at them."""
