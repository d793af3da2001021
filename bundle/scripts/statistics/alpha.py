"""The *alpha* of a threshold: the share of healthy scores above it, and what that says of a new one.

A threshold by alpha is the lowest of n healthy scores that a share of 1 - alpha of them does not exceed: floor(alpha n)
of them lie above it. That is a share of these scores, those of the calibration. A new healthy score that is drawn as
they were lies above it with a probability of up to (floor(alpha n) + 1) / (n + 1): 0.036 where n is 54 and alpha 0.02,
0.053 where n is 168 and alpha 0.05. It is the highest of all with 1 / (n + 1): no threshold has a smaller alpha (Vovk,
Gammerman, Shafer, Algorithmic Learning in a Random World, 2005).
"""

from __future__ import annotations

import math

ALPHA = 0.05
"""The alpha where none is asked for."""

MOST_ALPHA = 0.5
"""With a larger one most scans of the calibration would lie above their threshold."""

PLACES = 3
"""Decimals that a smallest alpha is rounded up to in words."""


def checked_alpha(value: float) -> float:
    """An alpha, seen to be one.

    Raises:
        ValueError: it is not above 0 and at most `MOST_ALPHA`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST_ALPHA:
        raise ValueError(f"alpha must be above 0 and at most {MOST_ALPHA}, got {value!r}")
    return float(value)


def smallest_alpha(healthy: int) -> float:
    """The smallest alpha of a threshold by so many healthy scores."""
    return 1 / (healthy + 1)


def reached(alpha: float, healthy: int) -> bool:
    """True if so many healthy scores have a threshold of this alpha."""
    return alpha >= smallest_alpha(healthy) * (1 - 1e-9)


def smallest_in_words(healthy: int, sides: int = 1) -> str:
    """`smallest_alpha`, rounded up; with two `sides`, of either of which a threshold takes half of alpha, twice it."""
    scale = 10**PLACES
    return f"{math.ceil(sides * smallest_alpha(healthy) * scale - 1e-9) / scale:g}"


def percent(alpha: float) -> str:
    """An alpha as "5 %"."""
    return f"{round(100 * alpha, 4):g} %"


def percent_below(alpha: float) -> str:
    """The share at or below a threshold, as "95 %"."""
    return f"{round(100 * (1 - alpha), 4):g} %"
