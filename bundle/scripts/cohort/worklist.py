"""P and q values of a cohort's cases, by which a worklist has a false discovery rate.

The *p value* of a score is the conformal one: of n healthy scores and this one, the share that is at least as high,
(1 + healthy scores not below it) / (n + 1). Of a healthy case it is at most x with probability x, if the healthy scans
of the calibration are such as the cohort's (Bates et al., Annals of Statistics 51, 2023). That of a *case* is the
smallest of its regions', times their number (Bonferroni), 1 at most. Among the cases with a *q value* of at most x, the
expected share of healthy ones is at most x (Benjamini and Hochberg, JRSS B 57, 1995).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..statistics.conformal import p_of_rank

DIGITS = 6
"""Decimals of both in tables."""


def case_p(details: Mapping[str, Mapping[str, Any]]) -> float | None:
    """The p value of a case by the numbers of its regions; None where nothing was compared."""
    pairs = [(numbers.get("healthy_below"), numbers.get("healthy_scores")) for numbers in details.values()]
    values = [float(p_of_rank(int(below), int(healthy))) for below, healthy in pairs if below is not None and healthy]
    return round(min(1.0, len(values) * min(values)), DIGITS) if values else None


def q_values(p_values: Sequence[float | None]) -> list[float | None]:
    """The q value of each case by the p values of all, by Benjamini and Hochberg; None where there is none."""
    known = [place for place, value in enumerate(p_values) if value is not None]
    found: list[float | None] = [None] * len(p_values)
    if known:
        from scipy.stats import false_discovery_control

        for place, value in zip(known, false_discovery_control([p_values[place] for place in known]), strict=True):
            found[place] = round(float(value), DIGITS)
    return found
