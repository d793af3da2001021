"""The interval of a share whose items come in clusters, the lesions of a scan say, and are alike within one.

The *effective number* of items is how many independent ones would tell as much: p (1 - p) over the variance of the
share p between clusters, times (t_items / t_clusters)^2, the quantiles of Student's t that pay for few clusters; at
most the number of items. The interval is that of Clopper and Pearson for so many (Korn and Graubard, Survey Methodology
24, 1998). Where all items are found, or none is, nothing tells how much clusters vary: then each cluster counts as one
item.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from .standing import LEVEL, clopper_pearson


def clustered_share(
    found: Sequence[bool], clusters: Sequence[Hashable], level: float = LEVEL
) -> tuple[float, float] | None:
    """The interval (0 to 1) of the share of items (n,) that are found; None if they are of fewer than two clusters.

    Raises:
        ValueError: there is no item, or lengths differ.
    """
    if not len(found) or len(found) != len(clusters):
        raise ValueError(f"each item needs a cluster, and there must be some: got {len(found)} and {len(clusters)}")
    names = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    if len(names) < 2:
        return None
    hits, place = np.asarray(found, dtype=np.float64), np.array([names[name] for name in clusters])
    share, count = float(hits.mean()), len(names)
    if share in (0.0, 1.0):
        return clopper_pearson(share * count, count, level)
    effective = _effective_number(hits, place, share, count, level)
    return clopper_pearson(share * effective, effective, level)


def _effective_number(
    hits: np.ndarray[tuple[int], np.dtype[np.float64]],
    place: np.ndarray[tuple[int], np.dtype[np.intp]],
    share: float,
    clusters: int,
    level: float,
) -> float:
    """Items (n,) of 0 and 1 with a mean that is neither, in clusters numbered by `place`, as independent ones."""
    from scipy.special import stdtrit

    off = np.bincount(place, hits - share, minlength=clusters)
    variance = clusters / (clusters - 1) * float((off**2).sum()) / hits.size**2
    upper = (1 + level) / 2
    paid = (float(stdtrit(hits.size - 1, upper)) / float(stdtrit(clusters - 1, upper))) ** 2
    effective = hits.size if variance == 0 else min(share * (1 - share) / variance, hits.size)
    return float(effective * paid)
