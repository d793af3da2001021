"""FROC by MONAI: the share of lesions found over the false findings a scan, and the peaks that count as findings.

A *peak* is the highest voxel of a map in a box around it (MONAI's `ProbNMS`). It finds the lesion that it belongs to;
without one, it is false (MONAI's functions of CAMELYON16).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from monai.metrics import compute_fp_tp_probs_nd, compute_froc_curve_data, compute_froc_score
from monai.transforms import ProbNMS
from numpy.typing import NDArray

FALSE_A_SCAN = (0.25, 0.5, 1, 2, 4, 8)
"""False findings a scan at which the share of found lesions is reported, as in CAMELYON16."""

STRATA_ML = {"under 1 ml": (0.0, 1.0), "1 to 10 ml": (1.0, 10.0), "over 10 ml": (10.0, np.inf)}
"""Sizes of lesions that are reported apart, in ml."""

Peaks = tuple[NDArray[np.float64], NDArray[np.intp]]
"""Values (k,) and voxels (k, 3) of peaks."""


def peaks(values: NDArray[np.float32], threshold: float, box: Sequence[int]) -> Peaks:
    """The peaks above a threshold of a map (I, J, K), the highest first, each alone in a box of so many voxels."""
    found = ProbNMS(spatial_dims=3, prob_threshold=threshold, box_size=list(box))(np.array(values))
    rows = np.array(found, dtype=np.float64).reshape(-1, 4)
    return rows[:, 0], rows[:, 1:].astype(np.intp)


def told_apart(values: NDArray[np.float64], lesion: NDArray[np.int64], lesions: int) -> tuple[Any, Any]:
    """Values of false peaks, and the highest value of the peaks of each of the `lesions` lesions, 0 of missed ones.

    `values` (k,) are those of the peaks, `lesion` (k,) the number of the lesion of each, from 1, 0 of none.
    """
    mask = np.concatenate([lesion, np.arange(1, lesions + 1)]).astype(np.int64)  # missed lesions are in it, too
    if not mask.size:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    false, true, _ = compute_fp_tp_probs_nd(
        np.asarray(values, dtype=np.float32), np.arange(len(values), dtype=np.intp)[:, None], mask
    )
    return np.asarray(false), np.asarray(true)


def froc(false: NDArray[Any], true: NDArray[Any], scans: int) -> dict[str, Any]:
    """Number of lesions, share found at each of `FALSE_A_SCAN`, and the mean of these; null without a lesion.

    `false` (n,) and `true` (lesions,) are values as `told_apart` gives them, of all scans.
    """
    if not len(true):
        return {"lesions": 0, "sensitivity": [None] * len(FALSE_A_SCAN), "mean": None}
    # MONAI leaves the lowest value out; so it is to be that of missed lesions, also where none is missed.
    lowest = np.zeros(1, dtype=np.float32)
    curve = compute_froc_curve_data(np.concatenate([false, lowest]).astype(np.float32), true, len(true), scans)
    shares = [float(compute_froc_score(*curve, eval_thresholds=(rate,))) for rate in FALSE_A_SCAN]
    found = compute_froc_score(*curve, eval_thresholds=FALSE_A_SCAN)
    return {"lesions": len(true), "sensitivity": shares, "mean": float(found)}


def froc_by_size(
    false: NDArray[Any], true: NDArray[Any], volumes_ml: NDArray[np.float64], scans: int
) -> Mapping[str, Any]:
    """FROC of all lesions, and of each size (`STRATA_ML`), with the volume of each lesion (lesions,)."""
    of_size = {
        name: froc(false, true[(volumes_ml >= low) & (volumes_ml < high)], scans)
        for name, (low, high) in STRATA_ML.items()
    }
    return {"false_a_scan": list(FALSE_A_SCAN), "all": froc(false, true, scans), **of_size}
