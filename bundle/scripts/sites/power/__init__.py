"""Measures what a detector finds of lesions that are planted into a site's own healthy scans."""
