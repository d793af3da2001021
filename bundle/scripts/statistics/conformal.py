"""Conformal p-values of scores, and tests of whether a site's healthy scores are those of calibration.

The *conformal p-value* of a score among n healthy scores is (1 + the number of them that reach it) / (n + 1) (Vovk,
Gammerman and Shafer 2005). Scores that are exchangeable with the healthy ones have p-values at least as large as
uniform ones, whatever their distribution; ties make them larger. Where the site's scores are higher, they are smaller.

Both tests respect that scores come in scans: those of a site's scan are one *cluster*, and of the healthy ones
`per_scan` count as one, since nobody knows any more which belong together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def conformal_p(scores: ArrayLike, healthy_scores: ArrayLike) -> NDArray[np.float64]:
    """The p-value (m,), above 0 to 1, of each of the scores (m,) among healthy scores (n,).

    Raises:
        ValueError: there is no healthy score.
    """
    healthy = np.sort(np.asarray(healthy_scores, dtype=np.float64))
    return p_of_rank(np.searchsorted(healthy, np.asarray(scores, dtype=np.float64), side="left"), healthy.size)


def p_of_rank(below: ArrayLike, healthy: int) -> NDArray[np.float64]:
    """The p-value, above 0 to 1, of scores that are above `below` of the healthy ones, of the same shape.

    Raises:
        ValueError: there is no healthy score, or more are below than there are.
    """
    counts = np.asarray(below)
    if not healthy or (counts < 0).any() or (counts > healthy).any():
        raise ValueError(
            f"A conformal p-value needs healthy scores and 0 <= below <= healthy, got {counts.tolist()} of {healthy}"
        )
    return np.asarray((1.0 + healthy - counts) / (healthy + 1.0), dtype=np.float64)


def rank_test(scans: Sequence[ArrayLike], healthy_scores: ArrayLike, per_scan: int = 1) -> tuple[float, float]:
    """The probability (0 to 1) that a site's score is above a healthy one, and the two-sided p-value of its being 1/2.

    Brunner and Munzel's test (Biometrical Journal 42, 2000) in its normal form, with Obuchowski's variance for clusters
    (Biometrics 53, 1997): that of scans' means on one side, and of so many times fewer healthy scores on the other.

    Args:
        scans: the scores of each scan of the site, one or two a scan.
        healthy_scores: of calibration, of shape (n,).
        per_scan: how many of them come from one scan.

    Raises:
        ValueError: there are fewer than two scans, or two healthy scores.
    """
    from scipy.stats import norm

    healthy = np.sort(np.asarray(healthy_scores, dtype=np.float64))
    if len(scans) < 2 or healthy.size < 2:
        raise ValueError(f"A rank test needs two of each, got {len(scans)} scans and {healthy.size} healthy scores.")
    means = np.array([_placements(np.asarray(scan, dtype=np.float64), healthy).mean() for scan in scans])
    pooled = np.sort(np.concatenate([np.atleast_1d(np.asarray(scan, dtype=np.float64)) for scan in scans]))
    against = _placements(healthy, pooled)
    spread = means.var(ddof=1) / len(means) + against.var(ddof=1) / (healthy.size / per_scan)
    higher = float(means.mean())
    if spread == 0:
        return higher, 1.0 if higher == 0.5 else 0.0
    return higher, float(2 * norm.sf(abs(higher - 0.5) / np.sqrt(spread)))


def _placements(scores: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of sorted values below each score, ties half."""
    low, high = (np.searchsorted(among, np.atleast_1d(scores), side=side) for side in ("left", "right"))
    return np.asarray((low + high) / (2 * among.size), dtype=np.float64)


def exceedance_test(above: int, total: int, healthy_above: int, healthy: int, per_scan: int = 1) -> float:
    """The two-sided p-value that a site's scores exceed a threshold as often as new healthy ones do.

    The threshold is itself an estimate: of n healthy scores k lie above it, so the share of new ones above it has the
    distribution Beta(k + 1, n - k), and their number that of the beta-binomial. `per_scan` scores count as one, rounded
    towards what is expected.

    Args:
        above: of the site's scores, those above the threshold.
        total: the site's scores.
        healthy_above: of the healthy scores, those above it.
        healthy: the healthy scores.
        per_scan: how many scores come from one scan.

    Raises:
        ValueError: there are no scores, or more above than there are.
    """
    from scipy.stats import betabinom

    if not (0 <= above <= total and total >= per_scan and 0 <= healthy_above < healthy):
        raise ValueError(f"got {above} of {total} above the threshold, and {healthy_above} of {healthy} healthy ones")
    expected = betabinom(total // per_scan, (healthy_above + 1) / per_scan, (healthy - healthy_above) / per_scan)
    upper = expected.sf(above // per_scan - 1)
    lower = expected.cdf(-(-above // per_scan))
    return float(min(1.0, 2 * min(upper, lower)))
