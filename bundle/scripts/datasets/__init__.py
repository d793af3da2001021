"""Datalists, and caches of prepared and registered scans."""
