"""The populations that a simulated head can come from, by name; `variety.py` draws them."""

from __future__ import annotations

PLAIN, WIDENED, UNUSUAL = "plain", "widened", "unusual"
VARIETIES = (PLAIN, WIDENED, UNUSUAL)

HEALTHY = (PLAIN, WIDENED)
"""Varieties that a calibration may be made with."""
